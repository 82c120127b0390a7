/* SPDX-License-Identifier: MIT */
/* Builds ACPI tables byte by byte, by the specification's offsets and not by the product's
 * structures, so that a wrong structure shows. */
#ifndef TESTS_HOST_TABLES_H
#define TESTS_HOST_TABLES_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_BYTES 32768u

struct table {
    uint8_t data[TABLE_BYTES];
    uint32_t bytes;
};

static inline void table_put(struct table *t, uint64_t value, unsigned bytes)
{
    if (t->bytes + bytes > TABLE_BYTES)
        abort();
    for (unsigned i = 0; i < bytes; i++)
        t->data[t->bytes++] = (uint8_t)(value >> (8 * i));
}

static inline void table_set(struct table *t, uint32_t at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        t->data[at + i] = (uint8_t)(value >> (8 * i));
}

static inline uint8_t table_sum(const uint8_t *data, uint32_t bytes)
{
    uint8_t sum = 0;

    for (uint32_t i = 0; i < bytes; i++)
        sum = (uint8_t)(sum + data[i]);
    return sum;
}

static inline void table_begin(struct table *t, const char *signature)
{
    memset(t, 0, sizeof *t);
    memcpy(t->data, signature, 4);
    t->bytes = 36;
    t->data[8] = 1;
    memcpy(t->data + 10, "SLUICE", 6);
}

/* Length and checksum last, over what is there. */
static inline void table_end(struct table *t)
{
    table_set(t, 4, t->bytes, 4);
    t->data[9] = 0;
    t->data[9] = (uint8_t)-table_sum(t->data, t->bytes);
}

/* An RSDP of revision 2, or of 0 when xsdt is 0. */
static inline void table_rsdp(uint8_t rsdp[36], uint32_t rsdt, uint64_t xsdt)
{
    struct table t = {.bytes = 0};

    memcpy(t.data, "RSD PTR ", 8);
    memcpy(t.data + 9, "SLUICE", 6);
    t.data[15] = xsdt ? 2 : 0;
    table_set(&t, 16, rsdt, 4);
    t.data[8] = (uint8_t)-table_sum(t.data, 20);
    if (xsdt != 0) {
        table_set(&t, 20, 36, 4);
        table_set(&t, 24, xsdt, 8);
        t.data[32] = (uint8_t)-table_sum(t.data, 36);
    }
    memcpy(rsdp, t.data, 36);
}

/* A device scope with hops hops of device, function each. */
static inline void table_scope(struct table *t, uint8_t type, uint8_t id, uint8_t bus, uint8_t hops,
                               const uint8_t *path)
{
    table_put(t, type, 1);
    table_put(t, 6u + 2u * hops, 1);
    table_put(t, 0, 2);
    table_put(t, id, 1);
    table_put(t, bus, 1);
    for (unsigned i = 0; i < 2u * hops; i++)
        table_put(t, path[i], 1);
}

static inline void table_dmar_begin(struct table *t, uint8_t width, uint8_t flags)
{
    table_begin(t, "DMAR");
    table_put(t, width - 1u, 1);
    table_put(t, flags, 1);
    for (int i = 0; i < 10; i++)
        table_put(t, 0, 1);
}

/* Each of these begins an entry and returns its offset; table_entry_end sets its length. */
static inline uint32_t table_drhd(struct table *t, uint8_t flags, uint16_t segment,
                                  uint64_t registers)
{
    uint32_t at = t->bytes;

    table_put(t, 0, 2);
    table_put(t, 0, 2);
    table_put(t, flags, 1);
    table_put(t, 0, 1);
    table_put(t, segment, 2);
    table_put(t, registers, 8);
    return at;
}

static inline uint32_t table_rmrr(struct table *t, uint16_t segment, uint64_t base, uint64_t limit)
{
    uint32_t at = t->bytes;

    table_put(t, 1, 2);
    table_put(t, 0, 2);
    table_put(t, 0, 2);
    table_put(t, segment, 2);
    table_put(t, base, 8);
    table_put(t, limit, 8);
    return at;
}

/* An entry of any other type with bytes of content; ATSR (2) and SATC (5) want 4, RHSA (3) 16,
 * ANDD (4) 4. */
static inline uint32_t table_other(struct table *t, uint16_t type, uint32_t bytes)
{
    uint32_t at = t->bytes;

    table_put(t, type, 2);
    table_put(t, 0, 2);
    while (bytes-- > 0)
        table_put(t, 0, 1);
    return at;
}

static inline void table_entry_end(struct table *t, uint32_t at)
{
    table_set(t, at + 2, t->bytes - at, 2);
}

/* What QEMU's q35 gives: one unit, a scope a device, the IOAPIC on bus 0xff, an ATSR. */
static inline void table_dmar_qemu(struct table *t)
{
    static const uint8_t devices[][2] = {{0, 0}, {3, 0}, {31, 0}, {31, 2}, {31, 3}};
    static const uint8_t root[2] = {0, 0};
    uint32_t at;

    table_dmar_begin(t, 39, 1);
    at = table_drhd(t, 0, 0, 0xfed90000);
    table_scope(t, 3, 0, 0xff, 1, root);
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++)
        table_scope(t, 1, 0, 0, 1, devices[i]);
    table_entry_end(t, at);
    at = table_other(t, 2, 4);
    table_entry_end(t, at);
    table_end(t);
}

/* What a board gives: the graphics' unit, one for all else, two RMRRs that overlap (the second ends
 * inside a page and names two devices), one of each other type, and one of a type to come. */
static inline void table_dmar_board(struct table *t)
{
    static const uint8_t graphics[] = {2, 0}, usb[] = {20, 0}, deep[] = {28, 4, 0, 0, 3, 1};
    uint32_t at;

    table_dmar_begin(t, 46, 3);
    at = table_drhd(t, 0, 0, 0xfed90000);
    table_scope(t, 1, 0, 0, 1, graphics);
    table_entry_end(t, at);
    at = table_drhd(t, 1, 0, 0xfed91000);
    table_scope(t, 3, 2, 0xf0, 1, usb);
    table_scope(t, 4, 0, 0, 1, usb);
    table_entry_end(t, at);
    at = table_rmrr(t, 0, 0x7b800000, 0x7fffffff);
    table_scope(t, 1, 0, 0, 1, graphics);
    table_entry_end(t, at);
    at = table_rmrr(t, 0, 0x7f000000, 0x7f0017ff);
    table_scope(t, 1, 0, 0, 1, usb);
    table_scope(t, 2, 0, 0, 3, deep);
    table_entry_end(t, at);
    at = table_other(t, 2, 4);
    table_scope(t, 2, 0, 0, 1, usb);
    table_entry_end(t, at);
    table_entry_end(t, table_other(t, 3, 16));
    table_entry_end(t, table_other(t, 4, 12));
    table_entry_end(t, table_other(t, 5, 4));
    table_entry_end(t, table_other(t, 9, 40));
    table_end(t);
}

/* Three CPUs as APICs, a disabled one, a placeholder; one of them again, a fourth and a placeholder
 * as x2APICs; an IOAPIC; the local APICs' address moved. */
static inline void table_madt_board(struct table *t)
{
    static const uint32_t x2apics[] = {4, 0x101, 0xffffffff};

    table_begin(t, "APIC");
    table_put(t, 0xfee00000, 4);
    table_put(t, 1, 4);
    for (uint8_t i = 0; i < 5; i++) {
        table_put(t, 0, 1);
        table_put(t, 8, 1);
        table_put(t, i, 1);
        table_put(t, i == 4 ? 0xff : i * 2u, 1);
        table_put(t, i != 3, 4);
    }
    for (uint32_t i = 0; i < 3; i++) {
        table_put(t, 9, 1);
        table_put(t, 16, 1);
        table_put(t, 0, 2);
        table_put(t, x2apics[i], 4);
        table_put(t, 1, 4);
        table_put(t, i, 4);
    }
    table_put(t, 1, 1);
    table_put(t, 12, 1);
    table_put(t, 0, 2);
    table_put(t, 0xfec00000, 8);
    table_put(t, 5, 1);
    table_put(t, 12, 1);
    table_put(t, 0, 2);
    table_put(t, 0xfee01000, 8);
    table_end(t);
}

static inline void table_mcfg_entry(struct table *t, uint64_t base, uint16_t segment, uint8_t first,
                                    uint8_t last)
{
    table_put(t, base, 8);
    table_put(t, segment, 2);
    table_put(t, first, 1);
    table_put(t, last, 1);
    table_put(t, 0, 4);
}

static inline void table_mcfg_board(struct table *t)
{
    table_begin(t, "MCFG");
    table_put(t, 0, 8);
    table_mcfg_entry(t, 0xb0000000, 0, 0, 255);
    table_mcfg_entry(t, 0x8000000000, 1, 0x40, 0x7f);
    table_end(t);
}

#endif

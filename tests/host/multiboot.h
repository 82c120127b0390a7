/* SPDX-License-Identifier: MIT */
/* Builds a multiboot2 structure tag by tag, by the specification's offsets. */
#ifndef TESTS_HOST_MULTIBOOT_H
#define TESTS_HOST_MULTIBOOT_H

#include "tests/host/tables.h"

static inline void mb2_begin(struct table *t)
{
    memset(t, 0, sizeof *t);
    t->bytes = 8;
}

/* Appends a tag whose content is bytes of data. */
static inline void mb2_tag(struct table *t, uint32_t type, const void *data, uint32_t bytes)
{
    while (t->bytes % 8 != 0)
        table_put(t, 0, 1);
    table_put(t, type, 4);
    table_put(t, 8 + bytes, 4);
    for (uint32_t i = 0; i < bytes; i++)
        table_put(t, ((const uint8_t *)data)[i], 1);
}

static inline void mb2_module(struct table *t, uint32_t start, uint32_t end, const char *text)
{
    struct table content = {.bytes = 0};

    table_put(&content, start, 4);
    table_put(&content, end, 4);
    for (const char *c = text; *c != 0; c++)
        table_put(&content, (uint8_t)*c, 1);
    table_put(&content, 0, 1);
    mb2_tag(t, 3, content.data, content.bytes);
}

/* A map begins; its entries follow by mb2_range; mb2_map_end sets its size. */
static inline uint32_t mb2_map(struct table *t, uint32_t entry_bytes)
{
    uint32_t content[2] = {entry_bytes, 0}, at;

    mb2_tag(t, 6, content, sizeof content);
    at = t->bytes - 16;
    return at;
}

static inline void mb2_range(struct table *t, uint64_t base, uint64_t bytes, uint32_t type)
{
    table_put(t, base, 8);
    table_put(t, bytes, 8);
    table_put(t, type, 4);
    table_put(t, 0, 4);
}

static inline void mb2_map_end(struct table *t, uint32_t at)
{
    table_set(t, at + 4, t->bytes - at, 4);
}

static inline void mb2_end(struct table *t)
{
    mb2_tag(t, 0, NULL, 0);
    table_set(t, 0, t->bytes, 4);
}

/* What GRUB gives a guest's boot. */
static inline void mb2_grub(struct table *t)
{
    uint8_t rsdp[36];
    uint32_t at;

    mb2_begin(t);
    mb2_tag(t, 1, "work=idle nic=auto", 19);
    mb2_tag(t, 2, "GRUB 2.06", 10);
    mb2_module(t, 0x200000, 0x280000, "guest.elf first");
    at = mb2_map(t, 24);
    mb2_range(t, 0, 0x9fc00, 1);
    mb2_range(t, 0x9fc00, 0x400, 2);
    mb2_range(t, 0x100000, 0x1fee0000, 1);
    mb2_range(t, 0x1ffe0000, 0x20000, 3);
    mb2_range(t, 0xfed90000, 0x1000, 77);
    mb2_map_end(t, at);
    table_rsdp(rsdp, 0x1ffe0000, 0);
    mb2_tag(t, 14, rsdp, 20);
    table_rsdp(rsdp, 0x1ffe0000, 0x1ffe1000);
    mb2_tag(t, 15, rsdp, 36);
    mb2_end(t);
}

#endif

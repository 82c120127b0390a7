/* SPDX-License-Identifier: MIT */
/* From the RSDP to a checked table, and the two short tables: MADT and MCFG. */
#include "kernel/acpi.h"

#include <errno.h>
#include <string.h>
#include "kernel/acpi_table.h"
#include "lib/fmt.h"

#define EBDA_POINTER 0x40eull /* its segment, in the BIOS data area */
#define EBDA_SCAN    1024u
#define BIOS_BASE    0xe0000ull
#define BIOS_BYTES   0x20000u
#define RSDP_ALIGN   16u
#define RSDP_MAX     4096u         /* a longer RSDP is damage, not a new revision */
#define TABLE_MAX    (1024u << 10) /* as is a table longer than this */
#define HEADER_BYTES sizeof(struct acpi_header)

/* Where the other tables' addresses stand: 8 bytes each in the XSDT, 4 in the RSDT. */
static struct {
    hpa_t table;
    uint32_t entries, entry_bytes;
} root;

int acpi_bad(char error[ACPI_ERROR_TEXT], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fmt_vsnprintf(error, ACPI_ERROR_TEXT, format, args);
    va_end(args);
    return -EBADMSG;
}

static bool sum_is_zero(const void *data, uint32_t bytes)
{
    const uint8_t *p = data;
    uint8_t sum = 0;

    while (bytes-- > 0)
        sum = (uint8_t)(sum + *p++);
    return sum == 0;
}

/* Maps the table at p whole and checks it. On -EBADMSG *table and *bytes are what can be dumped. */
static int load(hpa_t p, const char *name, const void **table, uint32_t *bytes,
                char error[ACPI_ERROR_TEXT])
{
    const struct acpi_header *h = acpi_map(p, HEADER_BYTES);
    uint32_t length;

    *table = h;
    *bytes = h == NULL ? 0 : HEADER_BYTES;
    if (h == NULL)
        return acpi_bad(error, "%s: 0x%lx cannot be read", name, p.v);
    if (memcmp(h->signature, name, sizeof h->signature) != 0)
        return acpi_bad(error, "%s: none at 0x%lx, where it should be", name, p.v);
    length = h->length;
    if (length < HEADER_BYTES || length > TABLE_MAX)
        return acpi_bad(error, "%s at 0x%lx: length %u, not from %lu to %u bytes", name, p.v,
                        length, HEADER_BYTES, TABLE_MAX);
    h = acpi_map(p, length);
    if (h == NULL)
        return acpi_bad(error, "%s at 0x%lx: its %u bytes cannot be read", name, p.v, length);
    *table = h;
    *bytes = length;
    if (!sum_is_zero(h, length))
        return acpi_bad(error, "%s at 0x%lx: checksum of its %u bytes is wrong", name, p.v, length);
    return 0;
}

static int use_root(hpa_t p, const char *name, uint32_t entry_bytes, char error[ACPI_ERROR_TEXT])
{
    const void *table;
    uint32_t bytes;
    int bad = load(p, name, &table, &bytes, error);

    if (bad != 0)
        return bad;
    root.table = p;
    root.entry_bytes = entry_bytes;
    /* A last part that is no whole address names no table. */
    root.entries = (bytes - (uint32_t)HEADER_BYTES) / entry_bytes;
    return 0;
}

/* The RSDP's 64-bit half: -EBADMSG when it is damaged, -ENOENT when it has none. */
static int use_xsdt(hpa_t p, const struct acpi_rsdp *rsdp, char error[ACPI_ERROR_TEXT])
{
    uint32_t length;

    if (rsdp->revision < 2)
        return -ENOENT;
    rsdp = acpi_map(p, sizeof *rsdp);
    if (rsdp == NULL)
        return acpi_bad(error, "RSDP at 0x%lx: its second half cannot be read", p.v);
    length = rsdp->length;
    if (length < sizeof *rsdp || length > RSDP_MAX)
        return acpi_bad(error, "RSDP at 0x%lx: length %u, not from %lu to %u", p.v, length,
                        sizeof *rsdp, RSDP_MAX);
    rsdp = acpi_map(p, length);
    if (rsdp == NULL || !sum_is_zero(rsdp, length))
        return acpi_bad(error, "RSDP at 0x%lx: extended checksum is wrong", p.v);
    if (rsdp->xsdt == 0)
        return -ENOENT;
    return use_root(hpa(rsdp->xsdt), "XSDT", sizeof(uint64_t), error);
}

/* Takes the RSDP at p. The RSDT stands in for an XSDT that is damaged: boards with a wrong extended
 * checksum exist, and a loader may hand over a copy of the first half only. */
static int use_rsdp(hpa_t p, char error[ACPI_ERROR_TEXT])
{
    const struct acpi_rsdp *rsdp = acpi_map(p, ACPI_RSDP_V1_BYTES);
    int bad;

    if (rsdp == NULL)
        return acpi_bad(error, "RSDP: 0x%lx cannot be read", p.v);
    if (memcmp(rsdp->signature, "RSD PTR ", sizeof rsdp->signature) != 0)
        return acpi_bad(error, "RSDP: none at 0x%lx", p.v);
    if (!sum_is_zero(rsdp, ACPI_RSDP_V1_BYTES))
        return acpi_bad(error, "RSDP at 0x%lx: checksum is wrong", p.v);
    bad = use_xsdt(p, rsdp, error);
    if (bad == 0)
        return 0;
    if (rsdp->rsdt != 0)
        return use_root(hpa(rsdp->rsdt), "RSDT", sizeof(uint32_t), error);
    return bad == -EBADMSG ? bad
                           : acpi_bad(error, "RSDP at 0x%lx names neither RSDT nor XSDT", p.v);
}

/* Looks on 16-byte boundaries (ACPI 6.4 section 5.2.5.1). A damaged one does not end the search:
 * firmware may leave old copies about. */
static int scan(hpa_t base, uint32_t bytes, char error[ACPI_ERROR_TEXT])
{
    const uint8_t *area = acpi_map(base, bytes);
    int found = -ENOENT;

    if (area == NULL)
        return -ENOENT;
    for (uint32_t at = 0; at + ACPI_RSDP_V1_BYTES <= bytes; at += RSDP_ALIGN) {
        if (memcmp(area + at, "RSD PTR ", 8) != 0)
            continue;
        found = use_rsdp(hpa(base.v + at), error);
        if (found == 0)
            return 0;
    }
    return found;
}

static hpa_t ebda(void)
{
    const uint8_t *segment = acpi_map(hpa(EBDA_POINTER), 2);

    return hpa(segment == NULL ? 0 : (uint64_t)(segment[0] | segment[1] << 8) << 4);
}

int acpi_init(hpa_t rsdp, char error[ACPI_ERROR_TEXT])
{
    int in_ebda = -ENOENT, in_bios;

    root.entries = 0;
    if (rsdp.v != 0)
        return use_rsdp(rsdp, error);
    rsdp = ebda();
    if (rsdp.v >= PAGE_SIZE && rsdp.v + EBDA_SCAN <= BIOS_BASE)
        in_ebda = scan(rsdp, EBDA_SCAN, error);
    if (in_ebda == 0)
        return 0;
    in_bios = scan(hpa(BIOS_BASE), BIOS_BYTES, error);
    if (in_bios == -ENOENT && in_ebda == -ENOENT) {
        (void)acpi_bad(error, "no RSDP in the EBDA or 0xe0000-0xfffff: boot by multiboot2, or say "
                              "acpi_rsdp=");
        return -ENOENT;
    }
    return in_bios == -ENOENT ? in_ebda : in_bios;
}

/* Address of the index-th table, 0 for the empty slots that some firmware leaves. */
static hpa_t root_entry(const uint8_t *entries, uint32_t index)
{
    uint64_t address = 0;

    memcpy(&address, entries + (size_t)index * root.entry_bytes, root.entry_bytes);
    return hpa(address);
}

int acpi_find(const char signature[4], const void **table, uint32_t *bytes,
              char error[ACPI_ERROR_TEXT])
{
    char name[5] = {signature[0], signature[1], signature[2], signature[3], 0};
    const uint8_t *entries = NULL;

    *table = NULL;
    *bytes = 0;
    if (root.entries > 0)
        entries = acpi_map(hpa(root.table.v + HEADER_BYTES), root.entries * root.entry_bytes);
    for (uint32_t i = 0; entries != NULL && i < root.entries; i++) {
        hpa_t p = root_entry(entries, i);
        const struct acpi_header *h = p.v == 0 ? NULL : acpi_map(p, HEADER_BYTES);

        if (h != NULL && memcmp(h->signature, name, sizeof h->signature) == 0)
            return load(p, name, table, bytes, error);
    }
    (void)acpi_bad(error, "the firmware has no %s table", name);
    return -ENOENT;
}

/* SPDX-License-Identifier: MIT */
/* The MCFG: where PCI configuration space lies in memory (PCI Firmware Specification 3.2 section
 * 4.1.2). */
#include <errno.h>
#include <string.h>
#include "kernel/acpi.h"
#include "kernel/acpi_table.h"

#define BUS_BYTES     (1ull << 20)
#define ADDRESS_LIMIT (1ull << 52) /* of any x86-64 CPU */

static int check(const struct acpi_mcfg_entry *e, uint32_t index, char error[ACPI_ERROR_TEXT])
{
    if (e->first_bus > e->last_bus)
        return acpi_bad(error, "entry %u: first bus %02x is above last bus %02x", index,
                        e->first_bus, e->last_bus);
    if (e->base == 0 || !is_aligned(e->base, BUS_BYTES))
        return acpi_bad(error, "entry %u: base 0x%lx is not a multiple of 1 MiB above 0", index,
                        (uint64_t)e->base);
    if (e->base > ADDRESS_LIMIT - (e->last_bus + 1ull) * BUS_BYTES)
        return acpi_bad(error, "entry %u: base 0x%lx is beyond what a CPU can address", index,
                        (uint64_t)e->base);
    return 0;
}

static int parse(const struct acpi_mcfg_entry *entry, uint32_t count, struct acpi_mcfg *out,
                 char error[ACPI_ERROR_TEXT])
{
    /* Leaving some out would leave devices behind them unseen, with their bus mastering on. */
    if (count > ACPI_MAX_ECAM)
        return acpi_bad(error, "%u entries, over %u", count, ACPI_MAX_ECAM);
    for (uint32_t i = 0; i < count; i++) {
        int bad = check(&entry[i], i, error);

        if (bad != 0)
            return bad;
        out->ecam[i] = (struct acpi_ecam){hpa(entry[i].base), entry[i].segment, entry[i].first_bus,
                                          entry[i].last_bus};
    }
    out->count = count;
    return 0;
}

int acpi_parse_mcfg(const void *table, uint32_t bytes, struct acpi_mcfg *out,
                    char error[ACPI_ERROR_TEXT])
{
    const struct acpi_mcfg_table *mcfg = table;
    uint32_t rest;

    memset(out, 0, sizeof *out);
    if (bytes < sizeof *mcfg)
        return acpi_bad(error, "%u bytes, under the %lu of its fixed part", bytes, sizeof *mcfg);
    rest = bytes - (uint32_t)sizeof *mcfg;
    if (rest % sizeof(struct acpi_mcfg_entry) != 0)
        return acpi_bad(error, "%u bytes of entries, not a multiple of %lu", rest,
                        sizeof(struct acpi_mcfg_entry));
    return parse((const void *)(mcfg + 1), rest / (uint32_t)sizeof(struct acpi_mcfg_entry), out,
                 error);
}

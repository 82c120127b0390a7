/* SPDX-License-Identifier: MIT */
/* The MADT: which CPUs there are, and where their local APICs answer (ACPI 6.4 section 5.2.12). */
#include <errno.h>
#include <string.h>
#include "kernel/acpi.h"
#include "kernel/acpi_table.h"

#define TYPE_APIC     0u
#define TYPE_OVERRIDE 5u
#define TYPE_X2APIC   9u
#define APIC_ENABLED  0x1u
#define NO_APIC       0xffu /* placeholders of firmware for absent CPUs */
#define NO_X2APIC     0xffffffffu

/* Firmware may list a CPU both as APIC and as x2APIC: it would be started twice. CPUs over the
 * limit are left asleep. */
static void add_cpu(struct acpi_madt *out, uint32_t id, uint32_t flags)
{
    if ((flags & APIC_ENABLED) == 0 || out->cpus == ACPI_MAX_CPUS)
        return;
    for (uint32_t i = 0; i < out->cpus; i++)
        if (out->apic_id[i] == id)
            return;
    out->apic_id[out->cpus++] = id;
}

static bool is_too_short(const struct acpi_madt_entry *e)
{
    return (e->type == TYPE_APIC && e->length < sizeof(struct acpi_madt_apic)) ||
           (e->type == TYPE_OVERRIDE && e->length < sizeof(struct acpi_madt_override)) ||
           (e->type == TYPE_X2APIC && e->length < sizeof(struct acpi_madt_x2apic));
}

static void take(const struct acpi_madt_entry *e, struct acpi_madt *out)
{
    const struct acpi_madt_apic *apic = (const void *)e;
    const struct acpi_madt_override *override = (const void *)e;
    const struct acpi_madt_x2apic *x2apic = (const void *)e;

    if (e->type == TYPE_APIC && apic->id != NO_APIC)
        add_cpu(out, apic->id, apic->flags);
    else if (e->type == TYPE_X2APIC && x2apic->id != NO_X2APIC)
        add_cpu(out, x2apic->id, x2apic->flags);
    else if (e->type == TYPE_OVERRIDE)
        out->local_apic = hpa(override->local_apic);
}

int acpi_parse_madt(const void *table, uint32_t bytes, struct acpi_madt *out,
                    char error[ACPI_ERROR_TEXT])
{
    const struct acpi_madt_table *madt = table;
    const uint8_t *at = table;

    memset(out, 0, sizeof *out);
    if (bytes < sizeof *madt)
        return acpi_bad(error, "%u bytes, under the %lu of its fixed part", bytes, sizeof *madt);
    out->local_apic = hpa(madt->local_apic);
    for (uint32_t offset = sizeof *madt; offset < bytes;) {
        const struct acpi_madt_entry *e = (const void *)(at + offset);
        uint32_t left = bytes - offset;

        if (left < sizeof *e || e->length < sizeof *e || e->length > left)
            return acpi_bad(error, "entry at 0x%x: length %u, %u bytes are left", offset,
                            left < sizeof *e ? left : e->length, left);
        if (is_too_short(e))
            return acpi_bad(error, "entry at 0x%x: type %u with only %u bytes", offset, e->type,
                            e->length);
        take(e, out);
        offset += e->length;
    }
    if (out->cpus == 0)
        return acpi_bad(error, "it lists no enabled CPU");
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* Bring-up of every unit, in an order that never lets a device through. */
#include <errno.h>
#include "kernel/log.h"
#include "kernel/mem.h"
#include "vtd/unit.h"
#include "vtd/vtd.h"

#define INTERRUPTS_BASE  0xfee00000ull
#define INTERRUPTS_BYTES 0x100000ull

static struct acpi_dmar table;
static struct vtd_unit unit[ACPI_MAX_UNITS];
static uint32_t units;

static int probe_all(bool need_remapping)
{
    if (table.units == 0) {
        log_error("vtd", "the DMAR has no remapping unit; enable VT-d in the firmware's setup");
        return -ENODEV;
    }
    for (uint32_t i = 0; i < table.units; i++) {
        int error = vtd_unit_probe(&unit[i], i, table.unit[i].registers);
        if (error)
            return error;
        bool remaps = table.interrupt_remapping && (unit[i].ecap & VTD_ECAP_IR);
        if (need_remapping && !remaps) {
            log_error("vtd",
                      "unit %u at 0x%llx: no interrupt remapping (%s), so a device could forge "
                      "interrupts; enable it in the firmware's setup, or accept that: unsafe-msi",
                      i, (unsigned long long)unit[i].base.v,
                      table.interrupt_remapping ? "the unit has none" : "the DMAR denies it");
            return -ENOTSUP;
        }
    }
    return 0;
}

/* The IOTLB after the context cache is done: it could be refilled from there (section 6.5.2.11). */
static int invalidate_all(struct vtd_unit *u)
{
    int error = vtd_queue_run(u, (struct vtd_descriptor){.low = VTD_INV_CONTEXT | VTD_INV_GLOBAL});
    if (error)
        return error;
    return vtd_queue_run(
        u, (struct vtd_descriptor){.low = VTD_INV_IOTLB | VTD_INV_GLOBAL | vtd_drains(u)});
}

static int set_root(struct vtd_unit *u)
{
    u->root = vtd_table_alloc(u);
    if (u->root.v == 0)
        return -ENOMEM;
    vtd_write64(u, VTD_RTADDR, u->root.v);
    int error = vtd_flush_write_buffer(u);
    return error ? error : vtd_command(u, VTD_G_SRTP, true);
}

/* Everything but translation: root table, queue, empty caches. */
static int prepare_unit(struct vtd_unit *u)
{
    int error = vtd_unit_quiet(u);
    if (!error)
        error = set_root(u);
    if (!error)
        error = vtd_queue_start(u);
    return error ? error : invalidate_all(u);
}

static int enable_unit(struct vtd_unit *u)
{
    int error = 0;
    if (table.interrupt_remapping && (u->ecap & VTD_ECAP_IR))
        error = vtd_remap_start(u);
    else
        log_warn("vtd", "unit %u: interrupts are not remapped", u->index);
    if (error)
        return error;
    vtd_faults_clear(u);
    error = vtd_command(u, VTD_G_TE, true);
    /* From here on the root table protects memory, and the regions would only be in the way. */
    return error ? error : vtd_protected_memory_off(u);
}

int vtd_start(const struct acpi_dmar *dmar, bool need_remapping)
{
    table = *dmar;
    int error = probe_all(need_remapping);
    if (error)
        return error;
    units = table.units;
    for (uint32_t i = 0; i < units && !error; i++)
        error = prepare_unit(&unit[i]);
    if (!error)
        error = vtd_rmrr_map(&table);
    for (uint32_t i = 0; i < units && !error; i++)
        error = enable_unit(&unit[i]);
    if (error == -ENOMEM)
        log_error("vtd", "no memory for the units' tables; give the machine more");
    if (!error)
        log_info("vtd", "%u unit%s on: every device is blocked", units, units == 1 ? "" : "s");
    return error;
}

int vtd_translate(bool on)
{
    int error = 0;
    for (uint32_t i = 0; i < units && !error; i++) {
        if (on)
            error = invalidate_all(&unit[i]);
        if (!error)
            error = vtd_command(&unit[i], VTD_G_TE, on);
    }
    return error;
}

bool vtd_reaches_forbidden(hpa_t frame, uint64_t pages)
{
    uint64_t end = frame.v + (pages << PAGE_SHIFT);
    if (frame.v < INTERRUPTS_BASE + INTERRUPTS_BYTES && end > INTERRUPTS_BASE)
        return true;
    for (uint32_t i = 0; i < table.units; i++)
        if (frame.v < unit[i].base.v + unit[i].bytes && end > unit[i].base.v)
            return true;
    return false;
}

bool vtd_is_forbidden(hpa_t page)
{
    return vtd_reaches_forbidden(hpa(align_down(page.v, PAGE_SIZE)), 1);
}

struct vtd_unit *vtd_unit(uint32_t index)
{
    return &unit[index];
}

const struct acpi_dmar *vtd_dmar(void)
{
    return &table;
}

uint32_t vtd_units(void)
{
    return units;
}

hpa_t vtd_unit_registers(uint32_t i)
{
    return unit[i].base;
}

uint64_t vtd_unit_cap(uint32_t i)
{
    return unit[i].cap;
}

uint64_t vtd_unit_ecap(uint32_t i)
{
    return unit[i].ecap;
}

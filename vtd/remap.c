/* SPDX-License-Identifier: MIT */
/* Interrupt remapping (VT-d specification, sections 5.1, 9.10 and 10.4.29): an entry that is not
 * present blocks, so no device can raise an interrupt until it is given one. */
#include <errno.h>
#include "kernel/apic.h"
#include "kernel/log.h"
#include "kernel/mem.h"
#include "vtd/unit.h"
#include "vtd/vtd.h"

#define ENTRIES 256u

_Static_assert(2u << VTD_IRTA_256 == ENTRIES, "IRTA's size");
_Static_assert(sizeof(struct vtd_entry128) * ENTRIES == PAGE_SIZE, "one page of entries");

int vtd_remap_start(struct vtd_unit *u)
{
    bool x2apic = apic_is_x2apic();
    if (x2apic && !(u->ecap & VTD_ECAP_EIM)) {
        log_error("vtd",
                  "unit %u at 0x%llx: can't address the processor's x2APIC; turn x2APIC off in the "
                  "firmware's setup",
                  u->index, (unsigned long long)u->base.v);
        return -ENOTSUP;
    }
    u->interrupts = vtd_table_alloc(u);
    if (u->interrupts.v == 0)
        return -ENOMEM;
    vtd_write64(u, VTD_IRTA, u->interrupts.v | (x2apic ? VTD_IRTA_EIME : 0) | VTD_IRTA_256);
    int error = vtd_command(u, VTD_G_SIRTP, true);
    if (!error)
        error = vtd_queue_run(u, (struct vtd_descriptor){.low = VTD_INV_INTERRUPT});
    /* Compatibility-format messages would pass around the table: CFI is off (unit.c). */
    return error ? error : vtd_command(u, VTD_G_IRE, true);
}

/* The first entry with this low word's present bit and this source-id, or ENTRIES. */
static uint32_t find(const struct vtd_entry128 *table, bool present, uint16_t source)
{
    uint32_t i = 0;
    while (i < ENTRIES && ((table[i].low & VTD_PRESENT) != present ||
                           (present && (uint16_t)table[i].high != source)))
        i++;
    return i;
}

/* With caching mode an entry that is not present may be cached as well, so each change needs it. */
static int invalidate(struct vtd_unit *u, uint32_t index)
{
    int error = vtd_flush_write_buffer(u);
    if (error)
        return error;
    return vtd_queue_run(
        u, (struct vtd_descriptor){.low = VTD_INV_INTERRUPT | VTD_INV_ONE | VTD_INV_INDEX(index)});
}

static void clear(const struct vtd_unit *u, struct vtd_entry128 *entry)
{
    /* Present first: the rest is not looked at then. */
    vtd_entry_write(u, &entry->low, 0);
    vtd_entry_write(u, &entry->high, 0);
}

/* Bits 31:12 of an entry's destination are an x2APIC's only (section 9.10). */
static uint64_t destination(uint32_t apic_id)
{
    return (uint64_t)(apic_is_x2apic() ? apic_id : apic_id << 8) << 32;
}

static int open_entry(struct vtd_unit *u, uint16_t source, uint8_t vector, uint32_t apic_id,
                      struct pci_message *message)
{
    struct vtd_entry128 *table = phys_to_virt(u->interrupts);
    if (find(table, true, source) != ENTRIES)
        return -EBUSY;
    uint32_t index = find(table, false, 0);
    if (index == ENTRIES)
        return -ENOSPC;
    /* Present last: from then on the source-id is checked. Fixed delivery, edge, are zeroes. */
    vtd_entry_write(u, &table[index].high, source | VTD_IRTE_VERIFY_SOURCE);
    vtd_entry_write(u, &table[index].low,
                    destination(apic_id) | VTD_IRTE_VECTOR(vector) | VTD_PRESENT);
    int error = invalidate(u, index);
    if (error)
        clear(u, &table[index]);
    *message = (struct pci_message){.address = VTD_MESSAGE | VTD_MESSAGE_INDEX(index)};
    return error;
}

int vtd_interrupt_open(const struct pci_function *f, uint8_t vector, uint32_t apic_id,
                       struct pci_message *message)
{
    struct vtd_unit *u = vtd_unit_of(f);
    if (u != NULL && u->interrupts.v != 0)
        return open_entry(u, pci_source_id(f), vector, apic_id, message);
    if (apic_id > VTD_COMPATIBLE_ID) {
        log_error("vtd",
                  "%02x:%02x.%x: without interrupt remapping its interrupts can't reach the CPU "
                  "with APIC id %u; turn x2APIC off in the firmware's setup, or use irq=poll",
                  f->bus, f->dev, f->fn, apic_id);
        return -ENOTSUP;
    }
    *message = (struct pci_message){.address = VTD_COMPATIBLE | VTD_COMPATIBLE_TO(apic_id),
                                    .data = vector};
    return 0;
}

int vtd_interrupt_close(const struct pci_function *f)
{
    struct vtd_unit *u = vtd_unit_of(f);
    if (u == NULL || u->interrupts.v == 0)
        return 0;
    struct vtd_entry128 *table = phys_to_virt(u->interrupts);
    uint32_t index = find(table, true, pci_source_id(f));
    if (index == ENTRIES)
        return 0;
    clear(u, &table[index]);
    return invalidate(u, index);
}

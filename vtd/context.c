/* SPDX-License-Identifier: MIT */
/* Root and context tables: which device uses which domain. An entry that is not present blocks
 * (VT-d specification, sections 9.1, 9.3 and 6.5.2.1). */
#include <errno.h>
#include "kernel/log.h"
#include "kernel/mem.h"
#include "kernel/panic.h"
#include "vtd/unit.h"
#include "vtd/vtd.h"

static struct vtd_entry128 *root_entry(const struct vtd_unit *u, uint16_t source)
{
    struct vtd_entry128 *root = phys_to_virt(u->root);
    return &root[source >> 8];
}

/* NULL when the bus has no context table. */
static struct vtd_entry128 *context_entry(const struct vtd_unit *u, uint16_t source)
{
    const struct vtd_entry128 *root = root_entry(u, source);
    if (!(root->low & VTD_PRESENT))
        return NULL;
    struct vtd_entry128 *context = phys_to_virt(hpa(root->low & VTD_ENTRY_FRAME));
    return &context[source & 0xff];
}

static int make_context_table(struct vtd_unit *u, uint16_t source)
{
    struct vtd_entry128 *root = root_entry(u, source);
    if (root->low & VTD_PRESENT)
        return 0;
    hpa_t table = vtd_table_alloc(u);
    if (table.v == 0)
        return -ENOMEM;
    vtd_entry_write(u, &root->low, table.v | VTD_PRESENT);
    return 0;
}

/*
 * The context cache first, and only when that is done the IOTLB: a translation under way could
 * refill the IOTLB from the old context (section 6.5.2.11 orders descriptors by waits alone).
 */
static int invalidate(struct dma_hw *hw, uint16_t source, uint16_t cached_id)
{
    struct vtd_descriptor context = {.low = VTD_INV_CONTEXT | VTD_INV_SELECTIVE |
                                            VTD_INV_ID(cached_id) | VTD_INV_SOURCE(source)};
    int error = vtd_queue_run(hw->unit, context);
    if (error)
        return error;
    hw->stats.inv_context++;
    hw->stats.inv_wait++;
    return vtd_invalidate_domain(hw);
}

/* Pass-through wants the widest address width that the unit has (section 9.3, AW), also one that we
 * build no table for. */
static uint64_t address_width(const struct dma_hw *domain)
{
    uint64_t sagaw = VTD_CAP_SAGAW(domain->unit->cap);
    return domain->passes && sagaw ? 63 - (unsigned)__builtin_clzll(sagaw)
                                   : VTD_CONTEXT_AW(domain->unit->levels);
}

int vtd_context_attach(struct vtd_unit *u, uint16_t source, struct dma_hw *domain)
{
    int error = make_context_table(u, source);
    if (error)
        return error;
    struct vtd_entry128 *entry = context_entry(u, source);
    if (entry->low & VTD_PRESENT)
        return -EBUSY;
    /* Present last, once the rest is there. */
    vtd_entry_write(u, &entry->high, address_width(domain) | VTD_CONTEXT_DOMAIN(domain->id));
    vtd_entry_write(u, &entry->low,
                    (domain->passes ? VTD_CONTEXT_PASS : domain->root.v) | VTD_PRESENT);
    domain->attached++;
    error = vtd_flush_write_buffer(u);
    /* With caching mode the blocked entry may be cached, under domain id 0. */
    if (!error)
        error = invalidate(domain, source, u->cap & VTD_CAP_CM ? 0 : domain->id);
    if (error) {
        vtd_entry_write(u, &entry->low, 0);
        domain->attached--;
    }
    return error;
}

int vtd_context_detach(struct vtd_unit *u, uint16_t source)
{
    struct vtd_entry128 *entry = context_entry(u, source);
    if (entry == NULL || !(entry->low & VTD_PRESENT))
        return 0;
    struct dma_hw *domain = u->domain[VTD_CONTEXT_ID_OF(entry->high)];
    ASSERT(domain != NULL && domain->attached > 0);
    /* Present first: the rest is not looked at then. */
    vtd_entry_write(u, &entry->low, 0);
    vtd_entry_write(u, &entry->high, 0);
    domain->attached--;
    return invalidate(domain, source, domain->id);
}

/* A conventional PCI device below a PCIe bridge sends with the bridge's source-id, and shares it
 * with its neighbours (section 3.10). */
static bool shares_source_id(const struct pci_function *f)
{
    const struct pci_function *bridge = vtd_bridge_above(f);
    return bridge != NULL && f->cap_express == 0;
}

int vtd_attach(const struct pci_function *f, struct dma_hw *domain)
{
    struct vtd_unit *u = domain->unit;
    ASSERT(u == vtd_unit_of(f));
    if (vtd_has_registers(u) && shares_source_id(f)) {
        log_error("vtd",
                  "%02x:%02x.%x: a PCI device behind a bridge can't be told from its neighbours; "
                  "put it into a PCI Express slot",
                  f->bus, f->dev, f->fn);
        return -ENOTSUP;
    }
    int error = vtd_context_attach(u, pci_source_id(f), domain);
    if (error == -EBUSY)
        log_error("vtd",
                  "%02x:%02x.%x: in use already, or the firmware keeps a memory region for it "
                  "(RMRR); assign another device",
                  f->bus, f->dev, f->fn);
    return error;
}

int vtd_detach(const struct pci_function *f)
{
    struct vtd_unit *u = vtd_unit_of(f);
    return u ? vtd_context_detach(u, pci_source_id(f)) : 0;
}

int vtd_domain_of(const struct pci_function *f)
{
    const struct vtd_unit *u = vtd_unit_of(f);
    const struct vtd_entry128 *entry = u ? context_entry(u, pci_source_id(f)) : NULL;
    if (entry == NULL || !(entry->low & VTD_PRESENT))
        return -ENOENT;
    return VTD_CONTEXT_ID_OF(entry->high);
}

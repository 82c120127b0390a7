/* SPDX-License-Identifier: MIT */
/* A domain: its id, its table, its end. */
#include <errno.h>
#include "kernel/log.h"
#include "kernel/mem.h"
#include "kernel/panic.h"
#include "vtd/unit.h"
#include "vtd/vtd.h"

_Static_assert(sizeof(struct dma_hw) <= PAGE_SIZE, "a domain lives in one frame");

/* Id 0 stays unused: with caching mode it tags what is not present (section 6.1). */
static uint16_t free_id(const struct vtd_unit *u)
{
    uint32_t ids = VTD_CAP_DOMAINS(u->cap);
    for (uint32_t id = 1; id < ids && id < VTD_MAX_DOMAINS; id++)
        if (u->domain[id] == NULL)
            return (uint16_t)id;
    return 0;
}

int vtd_domain_new(struct vtd_unit *u, struct dma_hw **domain)
{
    uint16_t id = free_id(u);
    if (id == 0) {
        log_error("vtd", "unit %u: no domain id is free; end a guest first", u->index);
        return -ENOSPC;
    }
    hpa_t memory = frame_alloc(), root = vtd_table_alloc(u);
    if (memory.v == 0 || root.v == 0) {
        if (memory.v)
            frame_free(memory);
        if (root.v)
            frame_free(root);
        return -ENOMEM;
    }
    struct dma_hw *hw = phys_to_virt(memory);
    hw->unit = u;
    hw->id = id;
    hw->root = root;
    hw->stats.table_pages = hw->stats.table_pages_peak = 1;
    u->domain[id] = hw;
    *domain = hw;
    return 0;
}

int vtd_domain_create(const struct pci_function *f, struct dma_hw **domain)
{
    struct vtd_unit *u = vtd_unit_of(f);
    if (u == NULL) {
        log_error("vtd",
                  "%02x:%02x.%x: the DMAR names no unit for this device; put it into another slot",
                  f->bus, f->dev, f->fn);
        return -ENODEV;
    }
    return vtd_domain_new(u, domain);
}

int vtd_domain_destroy(struct dma_hw *domain)
{
    struct vtd_unit *u = domain->unit;
    ASSERT(domain->attached == 0);
    int error = vtd_invalidate_domain(domain);
    vtd_table_free(domain, error != 0);
    if (error) {
        /* The id is not used again either: entries under it may be cached. */
        log_error("vtd", "unit %u: domain %u could not be invalidated: its table is withdrawn",
                  u->index, domain->id);
        return error;
    }
    u->domain[domain->id] = NULL;
    frame_free(virt_to_phys(domain));
    return 0;
}

int vtd_domain_pass_through(struct dma_hw *domain)
{
    ASSERT(domain->attached == 0);
    if (!(domain->unit->ecap & VTD_ECAP_PT)) {
        log_error("vtd",
                  "unit %u: no pass-through (ECAP.PT); use strategy=none, which turns translation "
                  "off, or strategy=direct",
                  domain->unit->index);
        return -ENOTSUP;
    }
    domain->passes = true;
    return 0;
}

const struct dma_hw_stats *dma_hw_stats(const struct dma_hw *hw)
{
    return &hw->stats;
}

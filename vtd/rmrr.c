/* SPDX-License-Identifier: MIT */
/* Memory that firmware keeps for a device's DMA (RMRR): mapped one to one for that device alone
 * (VT-d specification, section 8.4). */
#include <errno.h>
#include "kernel/abi.h"
#include "kernel/log.h"
#include "kernel/mem.h"
#include "vtd/unit.h"
#include "vtd/vtd.h"

#define MAX_DEVICES 64
#define MAX_PAGES   (4ull << (30 - PAGE_SHIFT)) /* graphics memory is the largest there is */

/* Devices with an RMRR, and their domain. Several regions of a device share it. */
static struct {
    const struct pci_function *function;
    struct dma_hw *domain;
} device[MAX_DEVICES];
static uint32_t devices;

static int domain_for(struct vtd_unit *u, const struct pci_function *f, struct dma_hw **domain)
{
    for (uint32_t i = 0; i < devices; i++) {
        if (device[i].function == f) {
            *domain = device[i].domain;
            return 0;
        }
    }
    if (devices == MAX_DEVICES)
        return -ENOSPC;
    int error = vtd_domain_new(u, domain);
    if (error)
        return error;
    device[devices].function = f;
    device[devices++].domain = *domain;
    return vtd_context_attach(u, pci_source_id(f), *domain);
}

/* Firmware that keeps a device's buffer in memory it gave us, or over our registers, is wrong. */
static bool is_plausible(const struct acpi_rmrr *r)
{
    if (!is_aligned(r->base.v, PAGE_SIZE) || !is_aligned(r->end.v, PAGE_SIZE) ||
        r->end.v <= r->base.v)
        return false;
    uint64_t pages = (r->end.v - r->base.v) >> PAGE_SHIFT;
    if (pages > MAX_PAGES)
        return false;
    for (uint64_t i = 0; i < pages; i++)
        if (frame_is_hypervisor(hpa(r->base.v + (i << PAGE_SHIFT))))
            return false;
    return !vtd_reaches_forbidden(r->base, pages);
}

static int map_for(const struct acpi_rmrr *r, const struct pci_function *f)
{
    struct vtd_unit *u = vtd_unit_of(f);
    struct dma_hw *domain;
    if (u == NULL)
        return 0; /* no unit stands in its way */
    uint64_t pages = (r->end.v - r->base.v) >> PAGE_SHIFT;
    int error = domain_for(u, f, &domain);
    if (!error)
        error = dma_hw_prepare(domain, iova(r->base.v), pages);
    if (!error)
        error = dma_hw_set(domain, iova(r->base.v), r->base, pages, ABI_DMA_READ | ABI_DMA_WRITE);
    if (!error)
        log_info("vtd", "%02x:%02x.%x: RMRR 0x%llx-0x%llx mapped", f->bus, f->dev, f->fn,
                 (unsigned long long)r->base.v, (unsigned long long)r->end.v);
    else
        log_error("vtd",
                  "%02x:%02x.%x: RMRR 0x%llx-0x%llx can't be mapped (error %d); turn this device "
                  "off in the firmware's setup",
                  f->bus, f->dev, f->fn, (unsigned long long)r->base.v,
                  (unsigned long long)r->end.v, error);
    return error;
}

static int map_region(const struct acpi_rmrr *r)
{
    if (!is_plausible(r)) {
        log_warn(
            "vtd",
            "RMRR 0x%llx-0x%llx is no reserved memory of up to 4 GiB: ignored, its devices stay "
            "blocked; update the firmware",
            (unsigned long long)r->base.v, (unsigned long long)r->end.v);
        return 0;
    }
    int error = 0;
    for (uint32_t i = 0; i < pci_functions() && !error; i++) {
        const struct pci_function *f = pci_function(i);
        for (uint32_t s = 0; s < r->scopes && !error; s++)
            if (r->segment == f->segment && vtd_scope_covers(r->segment, &r->scope[s], f))
                error = map_for(r, f);
    }
    return error;
}

int vtd_rmrr_map(const struct acpi_dmar *dmar)
{
    devices = 0;
    for (uint32_t i = 0; i < dmar->rmrrs; i++) {
        int error = map_region(&dmar->rmrr[i]);
        if (error)
            return error;
    }
    return 0;
}

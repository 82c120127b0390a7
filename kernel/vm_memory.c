/* SPDX-License-Identifier: MIT */
/* What the guest's processor can reach: its RAM and its device's registers, and not a page more. */
#include <errno.h>
#include "kernel/log.h"
#include "kernel/mem.h"
#include "kernel/vm_parts.h"
#include "vtd/vtd.h"

/* Guest-physical RAM stays clear of what is no memory at the same IOVA: 0xfeexxxxx is an interrupt
 * to the IOMMU whatever is mapped there (VT-d specification, section 3.14). */
#define HOLE_BEGIN 0xfec00000ull
#define HOLE_END   0x100000000ull

static const uint64_t ram_places[] = {0x40000000, 0x80000000, HOLE_END, 2 * HOLE_END};
static const uint64_t bar_places[] = {0x30000000, 0x20000000};

/* Where GPA and HPA differ, so that no confusion of the two passes by accident. */
static gpa_t place_ram(const struct vm *vm)
{
    unsigned i = 0;

    if (vm->params->identity)
        return gpa(vm->ram.v);
    while (ram_places[i] == vm->ram.v ||
           (ram_places[i] < HOLE_END && ram_places[i] + vm->ram_bytes > HOLE_BEGIN))
        i++;
    return gpa(ram_places[i]);
}

static gpa_t place_bar(const struct vm *vm, const struct pci_bar *bar)
{
    if (vm->params->identity)
        return gpa(bar->base.v);
    return gpa(bar_places[bar->base.v == bar_places[0]]);
}

static int create_ram(struct vm *vm)
{
    uint64_t frames = vm->params->memory >> PAGE_SHIFT;
    hpa_t ram = frame_alloc_run(frames, PAGE_2M);

    if (!ram.v)
        return -ENOMEM;
    if (map_guest(ram, vm->params->memory) != 0) {
        frame_quarantine_run(ram, frames); /* in part no longer the hypervisor's to touch */
        return -ENOMEM;
    }
    frame_give_guest(ram, frames, true);
    vm->ram = ram;
    vm->ram_bytes = vm->params->memory;
    vm->ram_gpa = place_ram(vm);
    return 0;
}

static int check_bar(struct vm *vm, const struct pci_bar *bar)
{
    if (bar->bytes > 0 && !bar->io && is_aligned(bar->base.v | bar->bytes, PAGE_SIZE))
        return 0;
    vm_end(vm, VM_END_REFUSED, 0,
           "the NIC's BAR 0 is no memory of whole pages that the firmware has placed: assign "
           "another device (nic=)");
    return -ENODEV;
}

/* Page by page: the MSI-X table decides where interrupts go, and must not be the guest's. */
static int map_bar(struct vm *vm, const struct pci_function *nic)
{
    const struct pci_bar *bar = &nic->bar[0];
    uint64_t msix = 0, msix_bytes = 0;
    uint8_t msix_bar;

    if (!pci_msix_pages(nic, &msix_bar, &msix, &msix_bytes) || msix_bar != 0)
        msix_bytes = 0;
    for (uint64_t at = 0; at < bar->bytes; at += PAGE_SIZE) {
        hpa_t page = hpa(bar->base.v + at);
        int error;

        if (at - msix < msix_bytes || vtd_is_forbidden(page))
            continue;
        error = nested_map(vm->nested, gpa(vm->bar_gpa.v + at), page, PAGE_SIZE,
                           NESTED_READ | NESTED_WRITE, PAGE_SIZE, true);
        if (error)
            return error;
    }
    return 0;
}

int vm_memory_create(struct vm *vm)
{
    struct pci_function *nic = vm->params->nic;
    int error = create_ram(vm);

    if (!error)
        error = nested_create(vm->cpu->nested_format(), &vm->nested);
    if (!error)
        error = nested_map(vm->nested, vm->ram_gpa, vm->ram, vm->ram_bytes,
                           NESTED_READ | NESTED_WRITE | NESTED_EXEC, PAGE_2M, false);
    if (!error && nic)
        error = check_bar(vm, &nic->bar[0]);
    if (!error && nic) {
        vm->bar_gpa = place_bar(vm, &nic->bar[0]);
        error = map_bar(vm, nic);
    }
    return error;
}

void vm_memory_destroy(struct vm *vm)
{
    uint64_t frames = vm->ram_bytes >> PAGE_SHIFT, before, kept;
    hpa_t first_kept;

    if (vm->nested)
        nested_destroy(vm->nested);
    if (frames == 0)
        return;
    unmap_guest(vm->ram, vm->ram_bytes);
    if (vm->is_tainted) {
        log_error("vm", "%luM of RAM at 0x%lx are withdrawn for good: a DMA may still write there",
                  vm->ram_bytes >> 20, vm->ram.v);
        frame_quarantine_run(vm->ram, frames);
        return;
    }
    frame_give_guest(vm->ram, frames, false);
    kept = vm_trace_keep(vm, &first_kept);
    before = (first_kept.v - vm->ram.v) >> PAGE_SHIFT;
    frame_free_run(vm->ram, before);
    frame_free_run(hpa(first_kept.v + (kept << PAGE_SHIFT)), frames - before - kept);
}

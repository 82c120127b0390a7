/* SPDX-License-Identifier: MIT */
/*
 * What a guest cannot measure alone: a nested fault on a page that is there for that, and the
 * invalidation queue. Open to no guest but work=calibrate's.
 */
#include <errno.h>
#include <string.h>
#include "kernel/log.h"
#include "kernel/mem.h"
#include "kernel/result.h"
#include "kernel/vm_parts.h"
#include "lib/spread.h"
#include "vtd/vtd.h"

#define LONGEST (1ull << 48) /* ticks: a day */

_Static_assert(ABI_CALIBRATE_TIMES * sizeof(uint64_t) <= PAGE_SIZE, "the samples are one frame");

/* Far enough below RAM that a stack which overflows is still seen. */
static gpa_t place_of(const struct vm *vm)
{
    return gpa(vm->ram_gpa.v - PAGE_2M);
}

static void unmap(struct vm *vm)
{
    if (vm->calibrate.is_mapped)
        nested_unmap(vm->nested, place_of(vm), PAGE_SIZE);
    vm->calibrate.is_mapped = vm->calibrate.is_armed = false;
}

int64_t vm_calibrate_page(struct vm *vm)
{
    struct vm_calibrate *c = &vm->calibrate;

    if (!vm->params->calibrates)
        return -EPERM;
    if (vm->params->native)
        return -ENODEV;
    if (c->is_over)
        return -EBUSY;
    if (!c->frame.v) {
        c->frame = frame_alloc();
        if (!c->frame.v)
            return -ENOMEM;
        frame_give_guest(c->frame, 1, true);
    }
    unmap(vm);
    c->is_armed = true;
    return (int64_t)place_of(vm).v;
}

bool vm_calibrate_fault(struct vm *vm, const struct cpu_exit *exit)
{
    struct vm_calibrate *c = &vm->calibrate;
    gpa_t page = place_of(vm);

    if (!c->is_armed || align_down(exit->nested.address.v, PAGE_SIZE) != page.v)
        return false;
    c->is_armed = false;
    c->is_mapped = nested_map(vm->nested, page, c->frame, PAGE_SIZE, NESTED_READ | NESTED_WRITE,
                              PAGE_SIZE, false) == 0;
    return c->is_mapped;
}

void vm_calibrate_close(struct vm *vm)
{
    struct vm_calibrate *c = &vm->calibrate;

    unmap(vm);
    if (!c->frame.v)
        return;
    frame_give_guest(c->frame, 1, false);
    frame_free(c->frame);
    c->frame = hpa(0);
}

/* Why it is null in the record. */
static void tell_missing(const struct vm *vm)
{
    const struct pci_function *nic = vm->params->nic;

    if (vm->params->native)
        log_warn("calibrate", "nested faults are not measured: guest=native has no nested table");
    if (!vm->interrupt.is_open)
        log_warn("calibrate", "the interrupt is not measured: %s",
                 nic && nic->cap_msi ? "irq=poll; give irq=msi" : "the NIC has no MSI");
    if (!vm->hw)
        log_warn("calibrate", "invalidations are not measured: with strategy=none VT-d is off");
    else if (vtd_is_absent())
        log_warn("calibrate", "invalidations are not measured: this machine has no VT-d");
}

/* The page is one of the guest's RAM at IOVA = GPA. What is cached of it is of no matter to the
 * unit's answer, and comes back with the next DMA. */
static int price_of(struct vm *vm, enum vtd_price what, uint64_t *sample, struct abi_spread *spread)
{
    int error = 0;

    for (uint32_t i = 0; i < ABI_CALIBRATE_TIMES && !error; i++)
        error = vtd_price(vm->hw, what, iova(vm->ram_gpa.v), &sample[i]);
    if (!error)
        *spread = spread_of(sample, ABI_CALIBRATE_TIMES);
    return error == -ETIMEDOUT ? vm_dma_timed_out(vm) : 0;
}

static int measure_queue(struct vm *vm, struct abi_spread queue[VTD_PRICES])
{
    hpa_t frame = frame_alloc();
    int error = frame.v ? 0 : -ENOMEM;

    for (unsigned i = 0; i < VTD_PRICES && !error && vm->hw; i++)
        error = price_of(vm, (enum vtd_price)i, phys_to_virt(frame), &queue[i]);
    if (frame.v)
        frame_free(frame);
    return error;
}

/* The figures are the guest's own, and so is the harm of wrong ones; a record holds what can be. */
static bool is_sound(const struct abi_calibration *guest)
{
    const struct abi_spread *all = (const struct abi_spread *)guest;

    for (size_t i = 0; i < sizeof *guest / sizeof *all; i++)
        if (all[i].times > ABI_CALIBRATE_TIMES || all[i].min > all[i].median ||
            all[i].median > all[i].p99 || all[i].p99 > LONGEST)
            return false;
    return true;
}

int vm_calibrate_end(struct vm *vm, gpa_t figures)
{
    const void *from = vm_ram(vm, figures, sizeof(struct abi_calibration));
    struct abi_spread queue[VTD_PRICES] = {0};
    struct abi_calibration guest;
    int error;

    if (!vm->params->calibrates)
        return -EPERM;
    if (vm->calibrate.is_over)
        return -EBUSY;
    if (!from)
        return -EFAULT;
    guest_access_begin();
    memcpy(&guest, from, sizeof guest);
    guest_access_end();
    if (!is_sound(&guest))
        return -EINVAL;
    vm->calibrate.is_over = true;
    vm_calibrate_close(vm);
    error = measure_queue(vm, queue);
    if (error)
        return error;
    tell_missing(vm);
    result_calibrate(vm, &guest, queue);
    vm_watch_start(vm); /* none of this was the guest's time */
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * The steps of an assignment, in functions of their own. Before: quiet, reset, context entry,
 * interrupt entry, and bus mastering last. After: bus mastering first, reset, both entries. Each is
 * called from another unit, so that a test build can leave one out.
 */
#include <errno.h>
#include "drivers/e1000.h"
#include "kernel/log.h"
#include "kernel/mem.h"
#include "kernel/vm_parts.h"
#include "vtd/vtd.h"

/* With bus mastering off and registers that answer. */
static int reset(const struct vm *vm, const char *when)
{
    struct pci_function *nic = vm->params->nic;
    volatile void *bar = map_mmio(nic->bar[0].base, nic->bar[0].bytes);
    int error;

    if (!bar)
        return -ENOMEM;
    pci_bus_master(nic, false);
    pci_silence(nic); /* the guest has all registers to raise what it likes */
    pci_memory(nic, true);
    error = e1000_reset(bar);
    if (error)
        log_error("vm", "NIC %02x:%02x.%x does not come out of reset %s the guest (error %d)",
                  nic->bus, nic->dev, nic->fn, when, -error);
    return error;
}

int vm_device_reset(struct vm *vm)
{
    int error;

    if (!vm->params->nic)
        return 0;
    error = reset(vm, "before");
    if (error && error != -ENOMEM)
        vm_end(vm, VM_END_HARDWARE, 0,
               "the NIC does not answer: power the machine off and on, or assign another (nic=)");
    return error;
}

int vm_device_open(struct vm *vm)
{
    struct pci_function *nic = vm->params->nic;
    int error = 0;

    if (!nic)
        return 0;
    if (vm->hw)
        error = vtd_attach(nic, vm->hw);
    if (error == -ENOMEM)
        return error;
    if (error) {
        vm->is_tainted = error == -ETIMEDOUT;
        vm_end(vm, error == -ETIMEDOUT ? VM_END_HARDWARE : VM_END_REFUSED, 0,
               "the NIC cannot be given to the guest, see above");
        return error;
    }
    vm->attached = vm->hw != NULL;
    error = vm_interrupt_open(vm);
    if (error)
        return error;
    vm->is_open = true;
    pci_bus_master(nic, true);
    return 0;
}

void vm_device_quiet(struct vm *vm)
{
    bool is_free = vm->params->dma.strategy == DMA_NONE || vtd_is_absent();

    if (!vm->is_open)
        return;
    vm->is_open = false;
    pci_bus_master(vm->params->nic, false);
    if (reset(vm, "after") == 0)
        return;
    /* Behind an IOMMU it can still be blocked. Without one nobody knows what it does. */
    vm->is_tainted |= is_free;
    vm_end(vm, VM_END_HARDWARE, 0, "the NIC does not answer after its guest: %s",
           is_free ? "it may still write, and nothing of its guest is reused" : "it is blocked");
}

void vm_device_close(struct vm *vm)
{
    if (!vm->attached)
        return;
    vm->attached = false;
    if (vtd_detach(vm->params->nic) == 0)
        return;
    vm->is_tainted = true;
    vm_end(vm, VM_END_HARDWARE, 0,
           "the IOMMU does not confirm that the NIC is blocked, see above: its bus mastering is "
           "off, and nothing of its guest is reused");
}

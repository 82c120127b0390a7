/* SPDX-License-Identifier: MIT */
/*
 * The assigned device's interrupt on its way to the guest: an MSI, through an interrupt-remapping
 * entry, to a host vector on the CPU that runs the guest. There it is noted, and with the next
 * entry the guest has it. It can only come in while this CPU has interrupts on, which is in a
 * guest's run and in a wait: between a look here and either of them none is lost.
 */
#include <errno.h>
#include <stdatomic.h>
#include "kernel/apic.h"
#include "kernel/trap.h"
#include "kernel/vm_parts.h"
#include "vtd/vtd.h"

static _Atomic uint64_t raised; /* messages that came, since boot */

static void serve(struct trap_frame *frame)
{
    (void)frame;
    raised++;
    apic_eoi();
}

static int refuse(struct vm *vm, int error)
{
    vm->is_tainted |= error == -ETIMEDOUT;
    vm_end(vm, error == -ETIMEDOUT ? VM_END_HARDWARE : VM_END_REFUSED, 0,
           "the NIC's interrupt cannot be given to the guest (error %d): use irq=poll", -error);
    return error;
}

int vm_interrupt_open(struct vm *vm)
{
    struct pci_function *nic = vm->params->nic;
    struct pci_message message;
    int error;

    if (!vm->params->msi)
        return 0;
    trap_set_handler(TRAP_DEVICE, serve);
    error = vtd_interrupt_open(nic, TRAP_DEVICE, apic_id(), &message);
    if (error)
        return refuse(vm, error);
    vm->interrupt = (struct vm_interrupt){.is_open = true, .asked = raised, .woken = raised};
    error = pci_msi_open(nic, &message);
    return error ? refuse(vm, error) : 0;
}

void vm_interrupt_close(struct vm *vm)
{
    if (!vm->interrupt.is_open)
        return;
    vm->interrupt.is_open = false;
    if (vtd_interrupt_close(vm->params->nic) == 0)
        return;
    vm->is_tainted = true;
    vm_end(vm, VM_END_HARDWARE, 0,
           "the IOMMU does not confirm that the NIC's interrupt is blocked, see above");
}

bool vm_interrupt_is_new(const struct vm *vm)
{
    return vm->interrupt.is_open && vm->interrupt.asked != raised;
}

void vm_interrupt_forward(struct vm *vm)
{
    if (!vm_interrupt_is_new(vm))
        return;
    vm->counters.interrupts += raised - vm->interrupt.asked;
    vm->interrupt.asked = raised;
    vm->cpu->request_interrupt(&vm->vcpu, VM_IRQ_VECTOR);
}

bool vm_interrupt_wakes(const struct vm *vm)
{
    return vm->interrupt.is_open && vm->interrupt.woken != raised;
}

void vm_interrupt_woken(struct vm *vm)
{
    vm->interrupt.woken = raised;
}

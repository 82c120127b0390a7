/* SPDX-License-Identifier: MIT */
/*
 * A hypervisor that opens the NIC's interrupt and then spoils it: seed= says how. And one in which
 * another device sends the NIC's own message: QEMU's edu (its docs/specs/edu.rst), which raises an
 * interrupt when it is told to.
 */
#include "drivers/env.h"
#include "drivers/pci_function.h"
#include "kernel/log.h"
#include "kernel/mem.h"
#include "kernel/panic.h"
#include "kernel/vm_parts.h"
#include "vtd/unit.h"

#define EDU_VENDOR  0x1234
#define EDU_DEVICE  0x11e8
#define EDU_RAISE   0x60
#define MSI_ADDRESS 4
#define INDEX_STEP  (1u << 5)

enum { INTACT, WRONG_INDEX, WRONG_SOURCE, NOT_PRESENT, OTHER_DEVICE, OTHER_DEVICE_ALLOWED };

int __real_vm_interrupt_open(struct vm *vm);
int __wrap_vm_interrupt_open(struct vm *vm);

static struct pci_function *find_edu(void)
{
    for (uint32_t i = 0; i < pci_functions(); i++)
        if (pci_function(i)->vendor == EDU_VENDOR && pci_function(i)->device == EDU_DEVICE)
            return pci_function(i);
    panic("no edu device");
}

static void point_to_next_index(const struct pci_function *nic)
{
    uint16_t at = (uint16_t)(nic->cap_msi + MSI_ADDRESS);

    pci_write(nic, at, 4, pci_read(nic, at, 4) + INDEX_STEP);
}

static void raise_by(struct pci_function *edu, const struct pci_function *nic)
{
    volatile void *registers = map_mmio(edu->bar[0].base, edu->bar[0].bytes);
    struct pci_message message = {.address =
                                      pci_read(nic, (uint16_t)(nic->cap_msi + MSI_ADDRESS), 4)};

    ASSERT(pci_msi_open(edu, &message) == 0);
    pci_memory(edu, true);
    pci_bus_master(edu, true);
    mmio_write32(registers, EDU_RAISE, 1);
    log_info("test", "edu has sent the NIC's message 0x%lx", message.address);
}

int __wrap_vm_interrupt_open(struct vm *vm)
{
    const struct pci_function *nic = vm->params->nic;
    int error = __real_vm_interrupt_open(vm);
    uint64_t *entry = phys_to_virt(vtd_unit(0)->interrupts);

    if (error || !vm->params->msi)
        return error;
    switch (vm->params->seed) {
    case WRONG_INDEX:
        point_to_next_index(nic);
        break;
    case WRONG_SOURCE:
        vtd_entry_write(vtd_unit(0), &entry[1], entry[1] ^ 1);
        break;
    case NOT_PRESENT:
        vtd_entry_write(vtd_unit(0), &entry[0], entry[0] & ~VTD_PRESENT);
        break;
    case OTHER_DEVICE_ALLOWED:
        vtd_entry_write(vtd_unit(0), &entry[1], pci_source_id(find_edu()) | VTD_IRTE_VERIFY_SOURCE);
        __attribute__((fallthrough));
    case OTHER_DEVICE:
        raise_by(find_edu(), nic);
        break;
    }
    return 0;
}

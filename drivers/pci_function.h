/* SPDX-License-Identifier: MIT */
/* One function of PCI: what its configuration header and capabilities say. */
#ifndef DRIVERS_PCI_FUNCTION_H
#define DRIVERS_PCI_FUNCTION_H

#include "drivers/pci.h"
#include "drivers/pci_config.h"

/* Offsets and bits of the configuration header (PCI 3.0 section 6.1, 6.2; bridges: PCI-to-PCI
 * bridge 1.2 section 3.2). */
#define PCI_VENDOR         0x00
#define PCI_DEVICE         0x02
#define PCI_COMMAND        0x04
#define PCI_COMMAND_IO     0x1u
#define PCI_COMMAND_MEMORY 0x2u
#define PCI_COMMAND_MASTER 0x4u
#define PCI_COMMAND_SERR   0x100u
#define PCI_COMMAND_NO_INT 0x400u /* no INTx */
#define PCI_STATUS         0x06
#define PCI_STATUS_CAPS    0x10u
#define PCI_PROG_IF        0x09
#define PCI_SUBCLASS       0x0a
#define PCI_CLASS          0x0b
#define PCI_HEADER         0x0e
#define PCI_HEADER_MULTI   0x80u
#define PCI_HEADER_DEVICE  0
#define PCI_HEADER_BRIDGE  1
#define PCI_HEADER_CARDBUS 2
#define PCI_BAR0           0x10
#define PCI_SECONDARY      0x19
#define PCI_CAPABILITIES   0x34

/* In the MSI capability (PCIe 5.0 section 7.7.1). */
#define PCI_MSI_CONTROL 2
#define PCI_MSI_ENABLE  0x1u

static inline struct pci_address pci_address(const struct pci_function *f)
{
    return (struct pci_address){f->segment, f->bus, f->dev, f->fn};
}

/* Turns the function's bus mastering off (bridges keep theirs), then reads all of it into out.
 * false when nothing answers at a. */
bool pci_function_read(struct pci_address a, struct pci_function *out);

#endif

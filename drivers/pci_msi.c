/* SPDX-License-Identifier: MIT */
/* The MSI capability (PCI 3.0 section 6.8.1): one vector, whatever the function could do. */
#include <errno.h>
#include "drivers/pci.h"
#include "drivers/pci_function.h"

#define ADDRESS      4
#define ADDRESS_HIGH 8
#define DATA         8
#define MASK         12
#define WIDE_BYTES   4      /* by which a 64-bit address moves what follows it */
#define MULTIPLE     0x70u  /* control: vectors in use, as a power of two */
#define IS_WIDE      0x80u  /* control: the address has 64 bits */
#define IS_MASKABLE  0x100u /* control: there is a mask bit a vector */
#define FIRST_VECTOR 0x1u

int pci_msi_open(const struct pci_function *f, const struct pci_message *message)
{
    uint16_t at = f->cap_msi, control, rest;

    if (at == 0)
        return -ENODEV;
    control = (uint16_t)(pci_read(f, at + PCI_MSI_CONTROL, 2) & ~(PCI_MSI_ENABLE | MULTIPLE));
    rest = (uint16_t)(at + (control & IS_WIDE ? WIDE_BYTES : 0));
    /* Off while address and data do not belong together. */
    pci_write(f, at + PCI_MSI_CONTROL, 2, control);
    pci_write(f, at + ADDRESS, 4, (uint32_t)message->address);
    if (control & IS_WIDE)
        pci_write(f, at + ADDRESS_HIGH, 4, (uint32_t)(message->address >> 32));
    pci_write(f, rest + DATA, 2, message->data);
    if (control & IS_MASKABLE)
        pci_write(f, rest + MASK, 4, pci_read(f, rest + MASK, 4) & ~FIRST_VECTOR);
    pci_write(f, at + PCI_MSI_CONTROL, 2, control | PCI_MSI_ENABLE);
    return 0;
}

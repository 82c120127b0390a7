/* SPDX-License-Identifier: MIT */
/* A hypervisor that leaves the NIC's interrupt entry open when its guest has ended. */
#include "vtd/vtd.h"

int __wrap_vtd_interrupt_close(const struct pci_function *f);

int __wrap_vtd_interrupt_close(const struct pci_function *f)
{
    (void)f;
    return 0;
}

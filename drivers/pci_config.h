/* SPDX-License-Identifier: MIT */
/*
 * How configuration space is reached: the one seam below pci.c. drivers/pci_config.c goes through
 * ECAM and ports; the host's tests put a fake machine here. One CPU at a time.
 */
#ifndef DRIVERS_PCI_CONFIG_H
#define DRIVERS_PCI_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/acpi.h"

#define PCI_CONFIG_BYTES  256u  /* by ports */
#define PCI_EXPRESS_BYTES 4096u /* by ECAM */

struct pci_address {
    uint16_t segment;
    uint8_t bus, dev, fn;
};

/* mcfg must stay where it is; no entry: ports only. */
void pci_config_init(const struct acpi_mcfg *mcfg);

/* bytes: 1, 2 or 4; offset is a multiple of it. What cannot be reached reads as all ones, and
 * writes to it are lost, as the bus itself does. */
uint32_t pci_config_read(struct pci_address a, uint16_t offset, unsigned bytes);
void pci_config_write(struct pci_address a, uint16_t offset, unsigned bytes, uint32_t value);

/* Whether function 0 answers. For searching empty buses: maps no ECAM where ports do. */
bool pci_config_probe(uint16_t segment, uint8_t bus, uint8_t dev);

#endif

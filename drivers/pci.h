/* SPDX-License-Identifier: MIT */
/* PCI configuration space: ECAM where the MCFG has the bus, ports 0xcf8/0xcfc for the rest (PCI 3.0
 * section 3.2.2.3, PCIe 5.0 section 7.2.2). */
#ifndef DRIVERS_PCI_H
#define DRIVERS_PCI_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/acpi.h"
#include "kernel/addr.h"

#define PCI_MAX_FUNCTIONS 512 /* two-socket servers have over 256 */

struct pci_bar {
    hpa_t base;
    uint64_t bytes; /* 0: not there, or the firmware gave it no address */
    bool io, prefetch;
};

/* What a function writes to raise an interrupt (MSI). */
struct pci_message {
    uint64_t address;
    uint32_t data;
};

struct pci_function {
    uint16_t segment;
    uint8_t bus, dev, fn;
    uint16_t vendor, device;
    uint8_t class_code, subclass, prog_if, header; /* header type without the multi-function bit */
    uint8_t bridge;                                /* secondary bus of a bridge, else 0 */
    struct pci_bar bar[6];
    uint16_t cap_msi, cap_msix, cap_pm, cap_express; /* offsets; 0: not there */
    bool has_flr;
};

/* "00:03.0": bus:dev.fn, or segment:bus:dev.fn. -EINVAL. */
int pci_parse_bdf(const char *text, uint16_t *segment, uint8_t *bus, uint8_t *dev, uint8_t *fn);

/* Finds every function and turns its bus mastering off (bridges keep theirs, off they would cut
 * their children's reset path only). Sizes BARs with decoding off. -ENODEV: no function at all;
 * -E2BIG: more than PCI_MAX_FUNCTIONS, the rest is quiet but unknown. Both are said on the console.
 * mcfg must stay where it is. */
int pci_init(const struct acpi_mcfg *mcfg);
uint32_t pci_functions(void);
struct pci_function *pci_function(uint32_t index);
struct pci_function *pci_find(uint16_t segment, uint8_t bus, uint8_t dev, uint8_t fn);

uint32_t pci_read(const struct pci_function *f, uint16_t offset, unsigned bytes);
void pci_write(const struct pci_function *f, uint16_t offset, unsigned bytes, uint32_t value);

/* COMMAND.BME, COMMAND.MEM. */
void pci_bus_master(struct pci_function *f, bool on);
void pci_memory(struct pci_function *f, bool on);
/*
 * Nothing of the function reaches a processor any more: no INTx, MSI or MSI-X, and no error
 * messages, of which firmware may make an NMI (a DMA that an IOMMU blocks is an error to its
 * device).
 */
void pci_silence(struct pci_function *f);
/* The function writes message from now on for each interrupt, until pci_silence; MSI-X must be off.
 * -ENODEV without an MSI capability. */
int pci_msi_open(const struct pci_function *f, const struct pci_message *message);
/* Source-id as DMA carries it: bus << 8 | dev << 3 | fn. */
uint16_t pci_source_id(const struct pci_function *f);
/* Where a DMAR scope's path leads: crosses bridges by their secondary bus. NULL when nothing is
 * there. */
struct pci_function *pci_by_scope(uint16_t segment, const struct acpi_scope *scope);
/* Page range of the MSI-X table and, when it is in the same BAR, of the PBA: to be kept from the
 * guest. false without MSI-X, or when its BAR is no BAR. */
bool pci_msix_pages(const struct pci_function *f, uint8_t *bar, uint64_t *first_byte,
                    uint64_t *bytes);

#endif

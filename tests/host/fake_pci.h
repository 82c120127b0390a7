/* SPDX-License-Identifier: MIT */
/* A PCI machine behind drivers/pci_config.h: functions with configuration spaces whose bits can be
 * written where a mask says so. It watches that BARs change with decoding off only, and a message
 * while MSI is off. */
#ifndef TESTS_HOST_FAKE_PCI_H
#define TESTS_HOST_FAKE_PCI_H

#include "drivers/pci_config.h"

struct fake_function {
    struct pci_address at;
    uint8_t space[PCI_CONFIG_BYTES];
    uint8_t writable[PCI_CONFIG_BYTES];
    uint8_t msi; /* where its MSI capability is; 0: not watched */
};

void fake_pci_reset(void);
/* A function with its ids and header type, bus mastering and decoding on; it stays where it is. */
struct fake_function *fake_pci_add(uint16_t segment, uint8_t bus, uint8_t dev, uint8_t fn,
                                   uint8_t header);
struct fake_function *fake_pci_find(uint16_t segment, uint8_t bus, uint8_t dev, uint8_t fn);
void fake_pci_set(struct fake_function *f, uint32_t at, uint64_t value, unsigned bytes);
uint32_t fake_pci_get(const struct fake_function *f, uint32_t at, unsigned bytes);
/* A bridge from its own bus to secondary. */
struct fake_function *fake_pci_bridge(uint8_t bus, uint8_t dev, uint8_t secondary);
/* A BAR of size bytes (a power of two) at base; flags are its low bits. */
void fake_pci_bar(struct fake_function *f, uint32_t slot, uint64_t base, uint64_t size,
                  uint32_t flags);
/* Appends a capability at an offset and links it from the one before. */
void fake_pci_cap(struct fake_function *f, uint8_t at, uint8_t id);

/* BARs written while the function decoded and messages while MSI was on, and accesses in all, since
 * the reset. */
uint32_t fake_pci_unsafe_writes(void);
uint64_t fake_pci_accesses(void);

#endif

/* SPDX-License-Identifier: MIT */
#include "drivers/pci_config.h"

#include "drivers/env.h"
#include "kernel/log.h"
#include "kernel/mem.h"

#define BUS_SHIFT      20
#define BUSES          256
#define PORT_ADDRESS   0xcf8
#define PORT_DATA      0xcfc
#define ADDRESS_ENABLE 0x80000000u
#define NO_DEVICE      0xffffu

static const struct acpi_mcfg *ecam;
/* Mapped when first used: whole segments would be 256 MiB of tables for mostly empty buses. */
static volatile uint8_t *window[ACPI_MAX_ECAM][BUSES];

void pci_config_init(const struct acpi_mcfg *mcfg)
{
    ecam = mcfg;
}

static volatile uint8_t *bus_window(uint32_t entry, uint8_t bus)
{
    const struct acpi_ecam *e = &ecam->ecam[entry];

    if (window[entry][bus] == NULL) {
        window[entry][bus] =
            map_mmio(hpa(e->base.v + ((uint64_t)bus << BUS_SHIFT)), 1 << BUS_SHIFT);
        if (window[entry][bus] == NULL)
            log_error("pci", "bus %04x:%02x: out of memory for its ECAM window", e->segment, bus);
    }
    return window[entry][bus];
}

/* The register's address in ECAM (PCIe 5.0 section 7.2.2); NULL where no ECAM covers the bus. */
static volatile uint8_t *ecam_register(struct pci_address a, uint16_t offset)
{
    for (uint32_t i = 0; ecam != NULL && i < ecam->count && offset < PCI_EXPRESS_BYTES; i++) {
        const struct acpi_ecam *e = &ecam->ecam[i];
        volatile uint8_t *bus;

        if (e->segment != a.segment || a.bus < e->first_bus || a.bus > e->last_bus)
            continue;
        bus = bus_window(i, a.bus);
        return bus ? bus + ((uint32_t)a.dev << 15 | (uint32_t)a.fn << 12 | offset) : NULL;
    }
    return NULL;
}

/* Points the data port at the register's dword (PCI 3.0 section 3.2.2.3); false when ports do not
 * reach it. */
static bool port_select(struct pci_address a, uint16_t offset)
{
    if (a.segment != 0 || offset >= PCI_CONFIG_BYTES)
        return false;
    port_out32(PORT_ADDRESS, ADDRESS_ENABLE | (uint32_t)a.bus << 16 | (uint32_t)a.dev << 11 |
                                 (uint32_t)a.fn << 8 | (offset & 0xfcu));
    return true;
}

static uint32_t port_read(struct pci_address a, uint16_t offset, unsigned bytes)
{
    uint16_t port = (uint16_t)(PORT_DATA + (offset & 3));

    if (!port_select(a, offset))
        return bytes == 4 ? UINT32_MAX : (1u << (bytes * 8)) - 1;
    return bytes == 1 ? port_in8(port) : bytes == 2 ? port_in16(port) : port_in32(port);
}

static void port_write(struct pci_address a, uint16_t offset, unsigned bytes, uint32_t value)
{
    uint16_t port = (uint16_t)(PORT_DATA + (offset & 3));

    if (!port_select(a, offset))
        return;
    if (bytes == 1)
        port_out8(port, (uint8_t)value);
    else if (bytes == 2)
        port_out16(port, (uint16_t)value);
    else
        port_out32(port, value);
}

uint32_t pci_config_read(struct pci_address a, uint16_t offset, unsigned bytes)
{
    volatile uint8_t *r = ecam_register(a, offset);

    if (r == NULL)
        return port_read(a, offset, bytes);
    return bytes == 1   ? *r
           : bytes == 2 ? *(volatile uint16_t *)(volatile void *)r
                        : *(volatile uint32_t *)(volatile void *)r;
}

void pci_config_write(struct pci_address a, uint16_t offset, unsigned bytes, uint32_t value)
{
    volatile uint8_t *r = ecam_register(a, offset);

    if (r == NULL)
        port_write(a, offset, bytes, value);
    else if (bytes == 1)
        *r = (uint8_t)value;
    else if (bytes == 2)
        *(volatile uint16_t *)(volatile void *)r = (uint16_t)value;
    else
        *(volatile uint32_t *)(volatile void *)r = value;
}

bool pci_config_probe(uint16_t segment, uint8_t bus, uint8_t dev)
{
    struct pci_address a = {segment, bus, dev, 0};
    uint32_t vendor = segment == 0 ? port_read(a, 0, 2) : pci_config_read(a, 0, 2);

    return vendor != NO_DEVICE && vendor != 0;
}

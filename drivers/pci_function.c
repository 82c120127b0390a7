/* SPDX-License-Identifier: MIT */
#include "drivers/pci_function.h"

#include <string.h>

#define BAR_IO         0x1u
#define BAR_TYPE       0x6u
#define BAR_TYPE_32    0x0u
#define BAR_TYPE_1M    0x2u /* as 32 bits, placed below 1 MiB */
#define BAR_TYPE_64    0x4u
#define BAR_PREFETCH   0x8u
#define BAR_IO_MASK    0xfffcu /* the CPU has 64 KiB of ports, whatever the upper half says */
#define BAR_MEM_MASK   0xfffffff0u
#define CAP_PM         0x01
#define CAP_MSI        0x05
#define CAP_EXPRESS    0x10
#define CAP_MSIX       0x11
#define CAP_FIRST      0x40 /* behind the header */
#define CAP_MOST       48   /* as many of 4 bytes fit: a longer list is a loop */
#define EXPRESS_DEVCAP 4    /* PCIe 5.0 section 7.5.3.3 */
#define DEVCAP_FLR     (1u << 28)

static uint32_t read(const struct pci_function *f, uint16_t offset, unsigned bytes)
{
    return pci_config_read(pci_address(f), offset, bytes);
}

static void write(const struct pci_function *f, uint16_t offset, unsigned bytes, uint32_t value)
{
    pci_config_write(pci_address(f), offset, bytes, value);
}

/* What of a BAR can be written: its lowest bit is its size. Puts its address back. */
static uint32_t writable_bits(const struct pci_function *f, uint16_t offset, uint32_t keep)
{
    uint32_t bits;

    write(f, offset, 4, UINT32_MAX);
    bits = read(f, offset, 4);
    write(f, offset, 4, keep);
    return bits;
}

/* Sizes the BAR in slot i of count; returns how many slots it takes. */
static uint32_t read_bar(struct pci_function *f, uint32_t i, uint32_t count)
{
    uint16_t offset = (uint16_t)(PCI_BAR0 + 4 * i);
    uint32_t low = read(f, offset, 4), slots = 1;
    struct pci_bar *bar = &f->bar[i];
    uint32_t mask = (low & BAR_IO) ? BAR_IO_MASK : BAR_MEM_MASK;
    uint64_t base = low & mask, bits = writable_bits(f, offset, low) & mask;

    bar->io = (low & BAR_IO) != 0;
    bar->prefetch = !bar->io && (low & BAR_PREFETCH) != 0;
    if (!bar->io && (low & BAR_TYPE) == BAR_TYPE_64 && i + 1 < count) {
        uint32_t high = read(f, (uint16_t)(offset + 4), 4);

        base |= (uint64_t)high << 32;
        bits |= (uint64_t)writable_bits(f, (uint16_t)(offset + 4), high) << 32;
        slots = 2;
    } else if (!bar->io && (low & BAR_TYPE) != BAR_TYPE_32 && (low & BAR_TYPE) != BAR_TYPE_1M) {
        return slots;
    }
    if (base == 0 || bits == 0)
        return slots;
    bar->base = hpa(base);
    bar->bytes = bits & (~bits + 1);
    return slots;
}

/* With decoding off: while a BAR holds all ones, the device would answer at the top of memory. */
static void read_bars(struct pci_function *f)
{
    uint32_t count = f->header == PCI_HEADER_DEVICE ? 6 : f->header == PCI_HEADER_BRIDGE ? 2 : 0;
    uint32_t command = read(f, PCI_COMMAND, 2);

    write(f, PCI_COMMAND, 2, command & ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
    for (uint32_t i = 0; i < count;)
        i += read_bar(f, i, count);
    write(f, PCI_COMMAND, 2, command);
}

/* The first of a kind counts. */
static void note_capability(struct pci_function *f, uint8_t id, uint16_t at)
{
    uint16_t *where = id == CAP_PM        ? &f->cap_pm
                      : id == CAP_MSI     ? &f->cap_msi
                      : id == CAP_EXPRESS ? &f->cap_express
                      : id == CAP_MSIX    ? &f->cap_msix
                                          : NULL;

    if (where == NULL || *where != 0)
        return;
    *where = at;
    if (id == CAP_EXPRESS)
        f->has_flr = (read(f, (uint16_t)(at + EXPRESS_DEVCAP), 4) & DEVCAP_FLR) != 0;
}

static void read_capabilities(struct pci_function *f)
{
    uint32_t at;

    if ((read(f, PCI_STATUS, 2) & PCI_STATUS_CAPS) == 0 || f->header > PCI_HEADER_BRIDGE)
        return;
    at = read(f, PCI_CAPABILITIES, 1) & ~3u;
    for (uint32_t n = 0; at >= CAP_FIRST && n < CAP_MOST; n++) {
        uint32_t head = read(f, (uint16_t)at, 2);

        note_capability(f, (uint8_t)head, (uint16_t)at);
        at = head >> 8 & ~3u;
    }
}

bool pci_function_read(struct pci_address a, struct pci_function *out)
{
    uint16_t vendor = (uint16_t)pci_config_read(a, PCI_VENDOR, 2);

    if (vendor == 0xffff || vendor == 0)
        return false;
    *out = (struct pci_function){
        .segment = a.segment, .bus = a.bus, .dev = a.dev, .fn = a.fn, .vendor = vendor};
    out->device = (uint16_t)read(out, PCI_DEVICE, 2);
    out->class_code = (uint8_t)read(out, PCI_CLASS, 1);
    out->subclass = (uint8_t)read(out, PCI_SUBCLASS, 1);
    out->prog_if = (uint8_t)read(out, PCI_PROG_IF, 1);
    out->header = (uint8_t)(read(out, PCI_HEADER, 1) & ~PCI_HEADER_MULTI);
    if (out->header != PCI_HEADER_BRIDGE && out->header != PCI_HEADER_CARDBUS)
        write(out, PCI_COMMAND, 2, read(out, PCI_COMMAND, 2) & ~PCI_COMMAND_MASTER);
    else
        out->bridge = (uint8_t)read(out, PCI_SECONDARY, 1);
    read_bars(out);
    read_capabilities(out);
    return true;
}

/* SPDX-License-Identifier: MIT */
#include "tests/host/fake_pci.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kernel/log.h"

#define MOST 1024

static struct fake_function functions[MOST];
static uint32_t count, unsafe_writes;
static uint64_t accesses;

void fake_pci_reset(void)
{
    count = 0;
    unsafe_writes = 0;
    accesses = 0;
}

uint32_t fake_pci_unsafe_writes(void)
{
    return unsafe_writes;
}

uint64_t fake_pci_accesses(void)
{
    return accesses;
}

void fake_pci_set(struct fake_function *f, uint32_t at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        f->space[at + i] = (uint8_t)(value >> (8 * i));
}

uint32_t fake_pci_get(const struct fake_function *f, uint32_t at, unsigned bytes)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < bytes; i++)
        value |= (uint32_t)f->space[at + i] << (8 * i);
    return value;
}

struct fake_function *fake_pci_add(uint16_t segment, uint8_t bus, uint8_t dev, uint8_t fn,
                                   uint8_t header)
{
    struct fake_function *f = &functions[count++];

    if (count > MOST)
        abort();
    memset(f, 0, sizeof *f);
    f->at = (struct pci_address){segment, bus, dev, fn};
    fake_pci_set(f, 0, 0x10d38086, 4);
    fake_pci_set(f, 4, 0x0507, 2); /* SERR and interrupts off besides: to be left alone */
    f->writable[4] = 0xff;
    f->writable[5] = 0x07;
    fake_pci_set(f, 8, 0x02000000, 4);
    f->space[0x0e] = header;
    return f;
}

struct fake_function *fake_pci_bridge(uint8_t bus, uint8_t dev, uint8_t secondary)
{
    struct fake_function *f = fake_pci_add(0, bus, dev, 0, 1);

    fake_pci_set(f, 8, 0x06040000, 4);
    f->space[0x18] = bus;
    f->space[0x19] = secondary;
    f->space[0x1a] = 0xff;
    return f;
}

void fake_pci_bar(struct fake_function *f, uint32_t slot, uint64_t base, uint64_t size,
                  uint32_t flags)
{
    uint32_t at = 0x10 + 4 * slot;
    unsigned bytes = !(flags & 1) && (flags & 6) == 4 ? 8 : 4;
    uint64_t writable = ~(size - 1);

    fake_pci_set(f, at, base | flags, bytes);
    for (unsigned i = 0; i < bytes; i++)
        f->writable[at + i] = (uint8_t)(writable >> (8 * i));
}

void fake_pci_cap(struct fake_function *f, uint8_t at, uint8_t id)
{
    uint8_t last = 0x34;

    f->space[6] |= 0x10;
    while (f->space[last] != 0)
        last = (uint8_t)(f->space[last] + 1);
    f->space[last] = at;
    f->space[at] = id;
}

struct fake_function *fake_pci_find(uint16_t segment, uint8_t bus, uint8_t dev, uint8_t fn)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct pci_address *at = &functions[i].at;

        if (at->segment == segment && at->bus == bus && at->dev == dev && at->fn == fn)
            return &functions[i];
    }
    return NULL;
}

void pci_config_init(const struct acpi_mcfg *mcfg)
{
    (void)mcfg;
}

static struct fake_function *reach(struct pci_address a, uint16_t offset, unsigned bytes)
{
    accesses++;
    if (a.dev > 31 || a.fn > 7 || offset % bytes != 0 || offset + bytes > PCI_CONFIG_BYTES) {
        fprintf(stderr, "wild access: %02x:%02x.%x+0x%x, %u bytes\n", a.bus, a.dev, a.fn, offset,
                bytes);
        abort();
    }
    return fake_pci_find(a.segment, a.bus, a.dev, a.fn);
}

uint32_t pci_config_read(struct pci_address a, uint16_t offset, unsigned bytes)
{
    const struct fake_function *f = reach(a, offset, bytes);

    return f ? fake_pci_get(f, offset, bytes) : UINT32_MAX >> (32 - 8 * bytes);
}

void pci_config_write(struct pci_address a, uint16_t offset, unsigned bytes, uint32_t value)
{
    struct fake_function *f = reach(a, offset, bytes);
    uint32_t bars = f && (f->space[0x0e] & 0x7f) ? 0x18 : 0x28;

    if (f == NULL)
        return;
    if (offset >= 0x10 && offset < bars && (f->space[4] & 3) != 0)
        unsafe_writes++;
    if (f->msi && offset >= f->msi + 4 && offset < f->msi + 20 && (f->space[f->msi + 2] & 1))
        unsafe_writes++;
    for (unsigned i = 0; i < bytes; i++) {
        uint8_t mask = f->writable[offset + i];

        f->space[offset + i] =
            (uint8_t)((f->space[offset + i] & ~mask) | ((value >> (8 * i)) & mask));
    }
}

bool pci_config_probe(uint16_t segment, uint8_t bus, uint8_t dev)
{
    accesses++;
    return fake_pci_find(segment, bus, dev, 0) != NULL;
}

/* The console: what is said matters to a person only. */
void log_line(enum log_level level, const char *module, const char *format, ...)
{
    va_list args;

    (void)level;
    va_start(args, format);
    printf("# %s: ", module);
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

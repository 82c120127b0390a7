/* SPDX-License-Identifier: MIT */
#include "drivers/pci.h"

#include <errno.h>
#include <string.h>
#include "drivers/pci_config.h"
#include "drivers/pci_function.h"
#include "kernel/log.h"

#define BUSES           256
#define DEVICES         32
#define FUNCTIONS       8
#define MSIX_CONTROL    2 /* PCIe 5.0 section 7.7.2 */
#define MSIX_ENABLE     0x8000u
#define MSIX_TABLE      4
#define MSIX_PBA        8
#define MSIX_SIZE       0x7ffu
#define MSIX_BIR        0x7u
#define MSIX_VECTOR     16u  /* bytes an entry of the table */
#define EXPRESS_CONTROL 8    /* PCIe 5.0 section 7.5.3.4 */
#define EXPRESS_REPORTS 0xfu /* correctable, non-fatal, fatal, unsupported request */

/* Takes 1..most hex digits; -1 without any, or for more. */
static int32_t read_hex(const char **text, unsigned most)
{
    int32_t value = 0;
    unsigned digits = 0;

    for (;; ++*text, digits++) {
        char c = **text;
        int32_t d = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;

        if (d < 0)
            return digits > 0 ? value : -1;
        if (digits == most)
            return -1;
        value = value << 4 | d;
    }
}

static bool skip(const char **text, char c)
{
    if (**text != c)
        return false;
    ++*text;
    return true;
}

int pci_parse_bdf(const char *text, uint16_t *segment, uint8_t *bus, uint8_t *dev, uint8_t *fn)
{
    const char *second = strchr(text, ':');
    int32_t s = 0, b, d, f;

    if (second != NULL && strchr(second + 1, ':') != NULL) {
        s = read_hex(&text, 4);
        if (s < 0 || !skip(&text, ':'))
            return -EINVAL;
    }
    b = read_hex(&text, 2);
    if (b < 0 || !skip(&text, ':'))
        return -EINVAL;
    d = read_hex(&text, 2);
    if (d < 0 || d >= DEVICES || !skip(&text, '.'))
        return -EINVAL;
    f = read_hex(&text, 1);
    if (f < 0 || f >= FUNCTIONS || *text != 0)
        return -EINVAL;
    *segment = (uint16_t)s;
    *bus = (uint8_t)b;
    *dev = (uint8_t)d;
    *fn = (uint8_t)f;
    return 0;
}

static struct pci_function functions[PCI_MAX_FUNCTIONS];
static uint32_t count;

/* Bits for the buses behind bridges of the segment that is being searched. */
struct buses {
    uint8_t behind[BUSES / 8];
};

static bool is_behind(const struct buses *b, uint32_t bus)
{
    return (b->behind[bus / 8] & 1u << bus % 8) != 0;
}

/* Reads a function, keeps it while there is room, and notes the bus that a bridge leads to. A
 * secondary bus at or below the bridge's own is a bridge that nobody set up, or a loop. */
static bool scan_function(struct pci_address a, struct buses *b, uint32_t *lost)
{
    struct pci_function f;

    if (!pci_function_read(a, &f))
        return false;
    if (f.bridge > f.bus)
        b->behind[f.bridge / 8] |= (uint8_t)(1u << f.bridge % 8);
    else
        f.bridge = 0;
    if (count < PCI_MAX_FUNCTIONS)
        functions[count++] = f;
    else
        ++*lost;
    return true;
}

static void scan_device(struct pci_address a, struct buses *b, uint32_t *lost)
{
    a.fn = 0;
    /* Without function 0 there is no device (PCI 3.0 section 3.2.2.3.4). */
    if (!scan_function(a, b, lost))
        return;
    if ((pci_config_read(a, PCI_HEADER, 1) & PCI_HEADER_MULTI) == 0)
        return;
    for (a.fn = 1; a.fn < FUNCTIONS; a.fn++)
        (void)scan_function(a, b, lost);
}

static bool has_device(uint16_t segment, uint8_t bus)
{
    for (uint8_t dev = 0; dev < DEVICES; dev++)
        if (pci_config_probe(segment, bus, dev))
            return true;
    return false;
}

/* Upwards, so that a bridge is met before the bus behind it, and no bus twice. Buses that no bridge
 * leads to are searched as well: a second host bridge's root bus can be anywhere. */
static void scan_segment(uint16_t segment, uint8_t first, uint8_t last, uint32_t *lost)
{
    struct buses b = {0};

    for (uint32_t bus = first; bus <= last; bus++) {
        struct pci_address a = {segment, (uint8_t)bus, 0, 0};

        if (!is_behind(&b, bus) && !has_device(segment, a.bus))
            continue;
        for (a.dev = 0; a.dev < DEVICES; a.dev++)
            scan_device(a, &b, lost);
    }
}

int pci_init(const struct acpi_mcfg *mcfg)
{
    uint32_t lost = 0;

    count = 0;
    pci_config_init(mcfg);
    scan_segment(0, 0, BUSES - 1, &lost); /* by ports where the MCFG does not tell */
    for (uint32_t i = 0; i < mcfg->count; i++)
        if (mcfg->ecam[i].segment != 0)
            scan_segment(mcfg->ecam[i].segment, mcfg->ecam[i].first_bus, mcfg->ecam[i].last_bus,
                         &lost);
    if (count == 0) {
        log_error("pci", "no device answers, neither by ECAM nor by ports 0xcf8 and 0xcfc");
        return -ENODEV;
    }
    if (lost > 0) {
        log_error("pci", "%u functions over the limit of %d: they are quiet, but cannot be found",
                  lost, PCI_MAX_FUNCTIONS);
        return -E2BIG;
    }
    return 0;
}

uint32_t pci_functions(void)
{
    return count;
}

struct pci_function *pci_function(uint32_t index)
{
    return index < count ? &functions[index] : NULL;
}

struct pci_function *pci_find(uint16_t segment, uint8_t bus, uint8_t dev, uint8_t fn)
{
    for (uint32_t i = 0; i < count; i++) {
        struct pci_function *f = &functions[i];

        if (f->segment == segment && f->bus == bus && f->dev == dev && f->fn == fn)
            return f;
    }
    return NULL;
}

uint32_t pci_read(const struct pci_function *f, uint16_t offset, unsigned bytes)
{
    return pci_config_read(pci_address(f), offset, bytes);
}

void pci_write(const struct pci_function *f, uint16_t offset, unsigned bytes, uint32_t value)
{
    pci_config_write(pci_address(f), offset, bytes, value);
}

static void set_command(struct pci_function *f, uint32_t bit, bool on)
{
    uint32_t command = pci_read(f, PCI_COMMAND, 2);

    pci_write(f, PCI_COMMAND, 2, on ? command | bit : command & ~bit);
}

void pci_bus_master(struct pci_function *f, bool on)
{
    set_command(f, PCI_COMMAND_MASTER, on);
}

void pci_memory(struct pci_function *f, bool on)
{
    set_command(f, PCI_COMMAND_MEMORY, on);
}

static void clear_bits(struct pci_function *f, uint32_t offset, uint32_t bits)
{
    uint16_t at = (uint16_t)offset;

    pci_write(f, at, 2, pci_read(f, at, 2) & ~bits);
}

void pci_silence(struct pci_function *f)
{
    set_command(f, PCI_COMMAND_NO_INT, true);
    set_command(f, PCI_COMMAND_SERR, false);
    if (f->cap_msi)
        clear_bits(f, f->cap_msi + PCI_MSI_CONTROL, PCI_MSI_ENABLE);
    if (f->cap_msix)
        clear_bits(f, f->cap_msix + MSIX_CONTROL, MSIX_ENABLE);
    if (f->cap_express)
        clear_bits(f, f->cap_express + EXPRESS_CONTROL, EXPRESS_REPORTS);
}

uint16_t pci_source_id(const struct pci_function *f)
{
    return (uint16_t)(f->bus << 8 | f->dev << 3 | f->fn);
}

struct pci_function *pci_by_scope(uint16_t segment, const struct acpi_scope *scope)
{
    struct pci_function *f = NULL;
    uint8_t bus = scope->bus;

    for (uint8_t i = 0; i < scope->hops; i++) {
        if (i > 0 && f->bridge == 0)
            return NULL;
        if (i > 0)
            bus = f->bridge;
        f = pci_find(segment, bus, scope->path[i][0], scope->path[i][1]);
        if (f == NULL)
            return NULL;
    }
    return f;
}

bool pci_msix_pages(const struct pci_function *f, uint8_t *bar, uint64_t *first_byte,
                    uint64_t *bytes)
{
    uint32_t vectors, table, pba;
    uint64_t first, end, pba_first, pba_end;

    if (f->cap_msix == 0)
        return false;
    vectors = (pci_read(f, (uint16_t)(f->cap_msix + MSIX_CONTROL), 2) & MSIX_SIZE) + 1;
    table = pci_read(f, (uint16_t)(f->cap_msix + MSIX_TABLE), 4);
    pba = pci_read(f, (uint16_t)(f->cap_msix + MSIX_PBA), 4);
    if ((table & MSIX_BIR) >= sizeof f->bar / sizeof f->bar[0])
        return false;
    first = table & ~MSIX_BIR;
    end = first + vectors * MSIX_VECTOR;
    pba_first = pba & ~MSIX_BIR;
    pba_end = pba_first + (vectors + 63) / 64 * 8;
    if ((pba & MSIX_BIR) == (table & MSIX_BIR)) {
        first = pba_first < first ? pba_first : first;
        end = pba_end > end ? pba_end : end;
    }
    *bar = (uint8_t)(table & MSIX_BIR);
    *first_byte = align_down(first, PAGE_SIZE);
    *bytes = align_up(end, PAGE_SIZE) - *first_byte;
    return true;
}

/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/host/fake_vtd.h"
#include "kernel/apic.h"
#include "kernel/log.h"
#include "kernel/mem.h"
#include "kernel/panic.h"
#include "kernel/time.h"

#define FAKE_BASE   0xfed90000ull
#define FAKE_STRIDE 0x10000ull

struct fake_vtd fake;

/* ---- the units ------------------------------------------------------------------------------ */

static uint32_t *reg32(struct fake_vtd_unit *u, uint32_t at)
{
    return (uint32_t *)(void *)(u->regs + at);
}

static uint64_t *reg64(struct fake_vtd_unit *u, uint32_t at)
{
    return (uint64_t *)(void *)(u->regs + at);
}

static void step_command(struct fake_vtd_unit *u)
{
    const uint32_t one_shot = 1u << 30 | 1u << 24;
    uint32_t gcmd = *reg32(u, 0x18);
    if (gcmd & 1u << 27)
        u->flushes++;
    *reg32(u, 0x1c) = (gcmd & ~(1u << 27)) | (*reg32(u, 0x1c) & one_shot);
    *reg32(u, 0x18) = gcmd & ~(one_shot | 1u << 27);
}

static void step_queue(struct fake_vtd_unit *u)
{
    const struct vtd_descriptor *ring = (const void *)(uintptr_t)(*reg64(u, 0x90) & ~0xfffull);
    if (!(*reg32(u, 0x1c) & 1u << 26))
        return;
    while (*reg64(u, 0x80) != *reg64(u, 0x88)) {
        struct vtd_descriptor d = ring[*reg64(u, 0x80) / 16];
        u->descriptor[u->seen++ % FAKE_DESCRIPTORS] = d;
        if ((d.low & 0xf) == 5 && (d.low & 1u << 5))
            *(volatile uint32_t *)(uintptr_t)d.high = (uint32_t)(d.low >> 32);
        *reg64(u, 0x80) = (*reg64(u, 0x80) + 16) % 4096;
    }
}

void fake_vtd_step(void)
{
    for (unsigned i = 0; i < FAKE_UNITS; i++) {
        if (!fake.unit[i].deaf)
            step_command(&fake.unit[i]);
        if (!fake.unit[i].stalled)
            step_queue(&fake.unit[i]);
    }
}

/* Frames handed out and not given back, quarantined ones among them. */
static void *live[FAKE_FRAMES];
static uint32_t lives;

static void free_all(void)
{
    while (lives)
        free(live[--lives]);
}

static void forget(void *frame)
{
    for (uint32_t i = lives; i-- > 0;) {
        if (live[i] == frame) {
            live[i] = live[--lives];
            free(frame);
            return;
        }
    }
    fail_msg("frame %p was not handed out", frame);
}

void fake_vtd_reset(uint64_t cap, uint64_t ecap)
{
    free_all();
    uint64_t now = fake.now; /* time never goes back */
    memset(&fake, 0, sizeof(fake));
    fake.fail_after = -1;
    fake.now = now + 1;
    for (unsigned i = 0; i < FAKE_UNITS; i++) {
        struct fake_vtd_unit *u = &fake.unit[i];
        *reg32(u, 0x00) = 0x10;
        *reg64(u, 0x08) = u->cap = cap;
        *reg64(u, 0x10) = u->ecap = ecap;
    }
}

struct pci_function *fake_function(uint8_t bus, uint8_t dev)
{
    struct pci_function *f = &fake.function[fake.functions++];
    *f = (struct pci_function){.bus = bus, .dev = dev, .cap_express = 0x40};
    return f;
}

void fake_dmar(struct acpi_dmar *dmar, uint32_t n)
{
    memset(dmar, 0, sizeof(*dmar));
    dmar->interrupt_remapping = true;
    dmar->units = n;
    for (uint32_t i = 0; i < n; i++)
        dmar->unit[i].registers = hpa(FAKE_BASE + i * FAKE_STRIDE);
    dmar->unit[0].scopes = 1;
    dmar->unit[0].scope[0] =
        (struct acpi_scope){.type = ACPI_SCOPE_ENDPOINT, .hops = 1, .path = {{1, 0}}};
    dmar->unit[n - 1].include_all = true;
}

struct dma_hw *fake_domain(uint64_t cap, uint64_t ecap)
{
    struct acpi_dmar dmar;
    struct dma_hw *hw = NULL;
    fake_vtd_reset(cap, ecap);
    fake_dmar(&dmar, 1);
    struct pci_function *f = fake_function(0, 3);
    assert_int_equal(vtd_start(&dmar, true), 0);
    assert_int_equal(vtd_domain_create(f, &hw), 0);
    return hw;
}

uint64_t fake_translate(const struct dma_hw *hw, uint64_t at)
{
    const uint64_t *table = phys_to_virt(hw->root);
    for (unsigned level = hw->unit->levels;; level--) {
        unsigned shift = 12 + 9 * (level - 1);
        uint64_t entry = table[(at >> shift) & 511], inside = at & ((1ull << shift) - 1);
        if (!(entry & 3))
            return 0;
        if (level > 1 && (entry & 1u << 7)) /* reserved in a superpage: hardware would fault */
            assert_int_equal(entry & 0xffffffffff000ull & ((1ull << shift) - 1), 0);
        if (level == 1 || (entry & 1u << 7))
            return (entry & 0xffffffffff000ull) + (inside & ~0xfffull) + (entry & 3);
        table = phys_to_virt(hpa(entry & 0xffffffffff000ull));
    }
}

/* ---- what vtd/ stands on -------------------------------------------------------------------- */

volatile void *map_mmio(hpa_t base, uint64_t bytes)
{
    uint64_t i = (base.v - FAKE_BASE) / FAKE_STRIDE;
    assert_true(i < FAKE_UNITS && bytes <= sizeof(fake.unit[0].regs));
    return fake.unit[i].regs;
}

hpa_t frame_alloc(void)
{
    if (fake.fail_after == 0)
        return hpa(0);
    if (fake.fail_after > 0)
        fake.fail_after--;
    static bool at_exit;
    if (!at_exit)
        at_exit = atexit(free_all) == 0;
    void *frame = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
    assert_true(frame != NULL && lives < FAKE_FRAMES);
    live[lives++] = frame;
    memset(frame, 0, PAGE_SIZE);
    fake.frames++;
    return virt_to_phys(frame);
}

void frame_free(hpa_t frame)
{
    fake.frames--;
    forget(phys_to_virt(frame));
}

void frame_quarantine_run(hpa_t frame, uint64_t count)
{
    assert_true(count == 1 && frame.v != 0);
    fake.frames--;
    fake.withdrawn++;
}

bool frame_is_hypervisor(hpa_t frame)
{
    /* What was handed out, and one page that a test's firmware wrongly calls its own. */
    for (uint32_t i = 0; i < lives; i++)
        if (virt_to_phys(live[i]).v == frame.v)
            return true;
    return frame.v == 0x200000;
}

uint64_t deadline_us(uint64_t us)
{
    return fake.now + us;
}

bool deadline_passed(uint64_t end)
{
    fake_vtd_step();
    fake.now += 1000;
    return fake.now > end;
}

void log_line(enum log_level level, const char *module, const char *format, ...)
{
    (void)level;
    assert_true(strcmp(module, "vtd") == 0 || strcmp(module, "walker") == 0);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(fake.log + fake.log_bytes, FAKE_LOG_BYTES - fake.log_bytes, format, args);
    va_end(args);
    fake.log_bytes += (size_t)n;
    assert_true(fake.log_bytes + 2 < FAKE_LOG_BYTES);
    fake.log[fake.log_bytes++] = '\n';
    fake.log[fake.log_bytes] = 0;
}

void panic(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    abort();
}

bool fake_logged(const char *text)
{
    return strstr(fake.log, text) != NULL;
}

void fake_log_clear(void)
{
    fake.log_bytes = 0;
    fake.log[0] = 0;
}

bool apic_is_x2apic(void)
{
    return fake.x2apic;
}

/* table.c and remap.c are compiled to call this one (vtd.mk). */
void observed_entry_write(const struct vtd_unit *u, uint64_t *entry, uint64_t value)
{
    vtd_entry_write(u, entry, value);
    if (fake.on_write)
        fake.on_write();
}

/* ---- PCI ------------------------------------------------------------------------------------ */

uint32_t pci_functions(void)
{
    return fake.functions;
}

struct pci_function *pci_function(uint32_t index)
{
    return &fake.function[index];
}

uint16_t pci_source_id(const struct pci_function *f)
{
    return (uint16_t)(f->bus << 8 | f->dev << 3 | f->fn);
}

struct pci_function *pci_by_scope(uint16_t segment, const struct acpi_scope *scope)
{
    for (uint32_t i = 0; i < fake.functions; i++) {
        struct pci_function *f = &fake.function[i];
        if (f->segment == segment && f->bus == scope->bus && f->dev == scope->path[0][0] &&
            f->fn == scope->path[0][1])
            return f;
    }
    return NULL;
}

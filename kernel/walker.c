/* SPDX-License-Identifier: MIT */
/*
 * Reads the tables as hardware does: root, context and second-level tables (VT-d specification,
 * chapter 9), nested page tables (AMD volume 2, section 15.25; Intel SDM volume 3, section 29.3).
 * Every bit is decoded here, not by the headers of the code that wrote it.
 */
#include "kernel/walker.h"
#include <stddef.h>
#include <string.h>
#include "drivers/env.h"
#include "drivers/pci.h"
#include "kernel/acpi.h"
#include "kernel/log.h"
#include "kernel/mem.h"
#include "kernel/trap.h"
#include "lib/fmt.h"
#include "vtd/vtd.h"

#define MAX_LINES 8
#define ADDRESS   0x000ffffffffff000ull
#define LARGE     (1ull << 7)
#define ENTRIES   512u

struct range {
    uint64_t base, end;
};

struct walk {
    const struct vm *vm;
    const char *what; /* "device 00:03.0" or "the guest", for the lines */
    uint64_t violations;
    uint64_t present; /* entries with any of these bits are there */
    uint64_t leaves;  /* 4 KiB pages seen so far */
    uint64_t entry;   /* of the leaf that is judged */
    bool is_guests;   /* the guest's own table, not a device's */
    struct acpi_mcfg mcfg;
    /* Whose table this is: says why this leaf is wrong, or NULL. */
    const char *(*judge)(const struct walk *w, uint64_t from, struct range to);
    /* Of the device whose table it is. */
    uint16_t segment, source;
};

static void __attribute__((format(printf, 2, 3))) violation(struct walk *w, const char *format, ...)
{
    if (w->violations++ >= MAX_LINES)
        return;
    char text[200];
    va_list args;
    va_start(args, format);
    fmt_vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    log_error("walker", "%s", text);
}

static bool overlap(struct range r, uint64_t base, uint64_t end)
{
    return r.base < end && base < r.end;
}

static bool inside(struct range r, uint64_t base, uint64_t end)
{
    return r.base >= base && r.end <= end;
}

/* What no table may reach, whoever owns it; NULL when r touches none of it. */
static const char *forbidden(const struct walk *w, struct range r)
{
    if (overlap(r, 0xfee00000, 0xfef00000))
        return "the interrupt range";
    if (overlap(r, 0xfec00000, 0xfed00000))
        return "an IOAPIC";
    for (uint32_t i = 0; i < vtd_units(); i++) {
        uint64_t base = vtd_unit_registers(i).v;
        if (overlap(r, base, base + PAGE_SIZE))
            return "a remapping unit's registers";
    }
    for (uint32_t i = 0; i < w->mcfg.count; i++) {
        const struct acpi_ecam *e = &w->mcfg.ecam[i];
        if (overlap(r, e->base.v + ((uint64_t)e->first_bus << 20),
                    e->base.v + ((e->last_bus + 1ull) << 20)))
            return "PCI configuration space";
    }
    return NULL;
}

static bool has_hypervisor_frame(struct range r)
{
    for (uint64_t at = r.base; at < r.end; at += PAGE_SIZE)
        if (frame_is_hypervisor(hpa(at)))
            return true;
    return false;
}

static bool is_guest_ram(const struct vm *vm, struct range r)
{
    return vm != NULL && inside(r, vm->ram.v, vm->ram.v + vm->ram_bytes);
}

/* An exception: a native guest's table has what the switch needs of the hypervisor, for reading,
 * and one page for writing. */
static bool is_for_the_switch(const struct walk *w, uint64_t from, struct range to)
{
    const struct cpu_ops *cpu = w->is_guests ? w->vm->cpu : NULL;
    return cpu != NULL && cpu->shares != NULL && from == to.base && to.end - to.base == PAGE_SIZE &&
           cpu->shares(&w->vm->vcpu, hpa(to.base), (w->entry & 2) != 0);
}

static void check_leaf(struct walk *w, uint64_t from, struct range to)
{
    w->leaves += (to.end - to.base) >> PAGE_SHIFT;
    if (is_for_the_switch(w, from, to))
        return;
    const char *why = forbidden(w, to);
    if (why == NULL)
        why = w->judge(w, from, to);
    /* Guest RAM was looked through once, frame by frame. */
    if (why == NULL && !is_guest_ram(w->vm, to) && has_hypervisor_frame(to))
        why = "the hypervisor's memory";
    if (why != NULL)
        violation(w, "%s reaches %s: 0x%llx-0x%llx goes to 0x%llx", w->what, why,
                  (unsigned long long)from, (unsigned long long)(from + to.end - to.base),
                  (unsigned long long)to.base);
}

/* Who can write a table can map anything, and a wild pointer must not be followed. */
static const uint64_t *table_at(struct walk *w, uint64_t address)
{
    if (frame_is_hypervisor(hpa(address)))
        return phys_to_virt(hpa(address));
    violation(w, "%s: table page 0x%llx is not the hypervisor's", w->what,
              (unsigned long long)address);
    return NULL;
}

static void walk_table(struct walk *w, uint64_t address, unsigned level, uint64_t from)
{
    const uint64_t *table = table_at(w, address);
    uint64_t step = 1ull << (12 + 9 * (level - 1));
    for (unsigned i = 0; table != NULL && i < ENTRIES; i++, from += step) {
        uint64_t entry = *(const volatile uint64_t *)&table[i];
        uint64_t to = entry & ADDRESS;
        w->entry = entry;
        if (!(entry & w->present))
            continue;
        if (level > 1 && !(entry & LARGE))
            walk_table(w, to, level - 1, from);
        else if (level > 3 || !is_aligned(to, step))
            violation(w, "%s: entry 0x%llx for 0x%llx is no leaf of level %u", w->what,
                      (unsigned long long)entry, (unsigned long long)from, level);
        else
            check_leaf(w, from, (struct range){to, to + step});
    }
}

/* ---- devices -------------------------------------------------------------------------------- */

static bool is_guests_device(const struct walk *w)
{
    const struct pci_function *nic = w->vm ? w->vm->params->nic : NULL;
    return nic != NULL && nic->segment == w->segment && pci_source_id(nic) == w->source;
}

static bool rmrr_names(const struct acpi_rmrr *r, const struct walk *w)
{
    for (uint32_t i = 0; i < r->scopes && r->segment == w->segment; i++) {
        const struct pci_function *f = pci_by_scope(r->segment, &r->scope[i]);
        if (f != NULL && pci_source_id(f) == w->source)
            return true;
        /* A bridge stands for all below it: any bus from its secondary bus on. */
        if (f != NULL && r->scope[i].type == ACPI_SCOPE_BRIDGE && w->source >> 8 >= f->bridge)
            return true;
    }
    return false;
}

/* The guest chose the IOVAs: the engine's record tells what it said. */
static const char *judge_window(const struct walk *w, uint64_t from, struct range to)
{
    for (uint64_t at = 0; at < to.end - to.base; at += PAGE_SIZE)
        if (!dma_domain_maps(w->vm->dma, iova(from + at), hpa(to.base + at)))
            return "a page that the engine did not map there";
    return NULL;
}

static const char *judge_device(const struct walk *w, uint64_t from, struct range to)
{
    if (is_guests_device(w)) {
        if (!is_guest_ram(w->vm, to))
            return "what is not its guest's memory";
        if (dma_strategy_has_window(w->vm->params->dma.strategy))
            return judge_window(w, from, to);
        return from - w->vm->ram_gpa.v == to.base - w->vm->ram.v
                   ? NULL
                   : "another page than its IOVA names";
    }
    const struct acpi_dmar *dmar = vtd_dmar();
    for (uint32_t i = 0; i < dmar->rmrrs; i++)
        if (from == to.base && inside(to, dmar->rmrr[i].base.v, dmar->rmrr[i].end.v) &&
            rmrr_names(&dmar->rmrr[i], w))
            return NULL;
    return "memory, and belongs to no guest";
}

static void check_resident(struct walk *w, uint64_t mapped)
{
    uint64_t resident = w->vm->dma ? dma_domain_counters(w->vm->dma)->resident : 0;
    if (mapped > resident)
        violation(w, "%s reaches %llu pages, the engine counts %llu", w->what,
                  (unsigned long long)mapped, (unsigned long long)resident);
}

static void walk_context(struct walk *w, uint64_t low, uint64_t high)
{
    char name[32];
    fmt_snprintf(name, sizeof(name), "device %02x:%02x.%x", w->source >> 8, (w->source >> 3) & 0x1f,
                 w->source & 7u);
    w->what = name;
    unsigned type = (low >> 2) & 3, levels = (high & 7) + 2;
    uint64_t before = w->leaves;
    /* An exception, which had to be allowed: pass-through, for the guest's own device. */
    if (type == 2 && is_guests_device(w) && w->vm->params->dma.strategy == DMA_PASSTHROUGH)
        return;
    if (type != 0)
        violation(w, "%s: translation type %u is not \"untranslated requests only\"", name, type);
    else if (levels < 3 || levels > 4)
        violation(w, "%s: a table of %u levels", name, levels);
    else
        walk_table(w, low & ADDRESS, levels, 0);
    if (is_guests_device(w))
        check_resident(w, w->leaves - before);
    w->what = "a remapping unit";
}

static void walk_bus(struct walk *w, unsigned bus, uint64_t address)
{
    const uint64_t *context = table_at(w, address);
    for (unsigned devfn = 0; context != NULL && devfn < 256; devfn++) {
        w->source = (uint16_t)(bus << 8 | devfn);
        if (context[2 * devfn] & 1)
            walk_context(w, context[2 * devfn], context[2 * devfn + 1]);
    }
}

static void walk_root(struct walk *w, uint64_t address)
{
    const uint64_t *root = table_at(w, address);
    for (unsigned bus = 0; root != NULL && bus < 256; bus++)
        if (root[2 * bus] & 1)
            walk_bus(w, bus, root[2 * bus] & ADDRESS);
}

/* VT-d specification, section 9.10: NULL when this interrupt is the guest's device's, and goes
 * where it must. */
static const char *judge_interrupt(struct walk *w, uint64_t low, uint64_t high)
{
    w->source = (uint16_t)high;
    if (((high >> 16) & 0xf) != 4) /* SVT 1, SQ 0 */
        return "which does not compare the whole source-id";
    if (!is_guests_device(w) || !w->vm->params->msi)
        return "and belongs to no guest that may have interrupts";
    if ((low & 0x80fe) != 0 || ((low >> 16) & 0xff) != TRAP_DEVICE)
        return "and is not the vector for it, fixed and edge-triggered";
    return NULL;
}

static void walk_interrupts(struct walk *w, uint32_t unit, uint64_t irta)
{
    uint32_t count = 2u << (irta & 0xf);
    const uint64_t *table = NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (i % (ENTRIES / 2) == 0)
            table = table_at(w, (irta & ADDRESS) + (uint64_t)i * 16);
        if (table == NULL)
            return;
        uint64_t low = table[2 * (i % (ENTRIES / 2))], high = table[2 * (i % (ENTRIES / 2)) + 1];
        const char *why = low & 1 ? judge_interrupt(w, low, high) : NULL;
        if (why != NULL)
            violation(w, "unit %u: interrupt entry %u is open for %02x:%02x.%x, %s", unit, i,
                      w->source >> 8, (w->source >> 3) & 0x1f, w->source & 7u, why);
    }
}

static void walk_unit(struct walk *w, uint32_t unit)
{
    const volatile void *regs = map_mmio(vtd_unit_registers(unit), PAGE_SIZE);
    if (regs == NULL) {
        violation(w, "unit %u: its registers can't be mapped", unit);
        return;
    }
    uint32_t status = mmio_read32(regs, 0x1c);
    bool on = status >> 31;
    uint64_t root_address = mmio_read64(regs, 0x20);
    if (status & 1u << 25) /* interrupts are remapped */
        walk_interrupts(w, unit, mmio_read64(regs, 0xb8));
    if (!on) {
        /* An exception: `none` lets the device at everything, and had to be allowed. */
        if (w->vm == NULL || w->vm->params->dma.strategy != DMA_NONE)
            violation(w, "unit %u: translation is off, its devices reach all memory", unit);
        return;
    }
    walk_root(w, root_address & ADDRESS);
}

/* The other exception, which unsafe-no-iommu allows: these tables hold nobody back, but they are to
 * be what they would be with VT-d. */
static void walk_absent(struct walk *w)
{
    w->segment = w->vm && w->vm->params->nic ? w->vm->params->nic->segment : 0;
    walk_root(w, vtd_absent_root().v);
}

static void walk_devices(struct walk *w)
{
    w->present = 3; /* R or W */
    w->judge = judge_device;
    w->what = "a remapping unit";
    for (uint32_t i = 0; i < vtd_units(); i++) {
        w->segment = vtd_dmar()->unit[i].segment;
        walk_unit(w, i);
    }
    if (vtd_is_absent())
        walk_absent(w);
}

/* ---- the guest's processor ------------------------------------------------------------------ */

static const char *judge_guest(const struct walk *w, uint64_t from, struct range to)
{
    const struct vm *vm = w->vm;
    if (is_guest_ram(vm, to))
        return from - vm->ram_gpa.v == to.base - vm->ram.v ? NULL
                                                           : "another page than its address names";
    const struct pci_function *nic = vm->params->nic;
    if (nic == NULL || !inside(to, nic->bar[0].base.v, nic->bar[0].base.v + nic->bar[0].bytes) ||
        from - vm->bar_gpa.v != to.base - nic->bar[0].base.v)
        return "what is neither its RAM nor its device";
    uint8_t bar;
    uint64_t first, bytes, offset = to.base - nic->bar[0].base.v;
    if (pci_msix_pages(nic, &bar, &first, &bytes) && bar == 0 &&
        overlap((struct range){offset, offset + (to.end - to.base)}, first, first + bytes))
        return "the MSI-X table";
    return NULL;
}

static void check_ram(struct walk *w)
{
    const struct vm *vm = w->vm;
    for (uint64_t at = 0; at < vm->ram_bytes; at += PAGE_SIZE)
        if (frame_is_hypervisor(hpa(vm->ram.v + at)))
            violation(w, "frame 0x%llx of the guest's RAM is the hypervisor's",
                      (unsigned long long)(vm->ram.v + at));
}

static void walk_guest(struct walk *w)
{
    w->is_guests = true;
    /* NPT and a native guest's own: P. EPT: read, write or execute. */
    w->present = strcmp(w->vm->cpu->name, "vmx") == 0 ? 7 : 1;
    w->judge = judge_guest;
    w->what = "the guest";
    walk_table(w, nested_root(w->vm->nested).v, 4, 0);
}

uint64_t walker_check(const struct vm *vm, uint64_t *leaves)
{
    struct walk w = {.vm = vm};
    const void *table;
    uint32_t bytes;
    char error[ACPI_ERROR_TEXT];
    if (acpi_find("MCFG", &table, &bytes, error) == 0)
        acpi_parse_mcfg(table, bytes, &w.mcfg, error);
    if (vm != NULL)
        check_ram(&w);
    walk_devices(&w);
    if (leaves != NULL)
        *leaves = w.leaves;
    if (vm != NULL)
        walk_guest(&w);
    if (w.violations > MAX_LINES)
        log_error("walker", "%llu more violations not shown",
                  (unsigned long long)(w.violations - MAX_LINES));
    return w.violations;
}

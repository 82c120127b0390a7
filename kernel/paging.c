/* SPDX-License-Identifier: MIT */
/* Which memory gets which rights, and what else kernel/mem.h says of the address space. */
#include <errno.h>
#include <string.h>
#include "kernel/frames.h"
#include "kernel/layout.h"
#include "kernel/log.h"
#include "kernel/mem.h"
#include "kernel/pagetable.h"
#include "kernel/paging.h"
#include "kernel/panic.h"
#include "kernel/x86.h"

/* The PAT as after reset: what firmware made of it does not matter. */
#define PAT_RESET 0x0007040600070406ull

#define ADDRESS_LIMIT  (1ull << 47) /* the lower canonical half */
#define FIRMWARE_LIMIT (64ull << 20)

static uint64_t physical_limit;
static bool has_smep, has_smap;

/* Takes the place of the BIOS data area: page 0 itself stays unmapped, so that NULL faults. */
static uint8_t bios_data[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

static int map_image(void)
{
    uint64_t text = (uint64_t)image_start, constants = (uint64_t)rodata_start;
    uint64_t data = (uint64_t)data_start, stacks = (uint64_t)stacks_start;
    int bad = pagetable_set(text, (uint64_t)text_end - text, LEAF_TEXT);

    bad |= pagetable_set(constants, data - constants, LEAF_CONST);
    bad |= pagetable_set(data, stacks - data, LEAF_DATA);
    for (unsigned i = 0; i < BOOT_STACKS; i++) {
        struct guarded_stack *s = &boot_stacks[i];

        bad |= pagetable_set((uint64_t)s->guard, sizeof(s->guard), PTE_GUARD);
        bad |= pagetable_set((uint64_t)s->bytes, sizeof(s->bytes), LEAF_DATA);
    }
    bad |= pagetable_set_leaf((uint64_t)bios_data, 0, PAGE_SIZE, LEAF_CONST) == 0 ? -ENOMEM : 0;
    return bad;
}

static int map_ram(const struct boot_info *boot)
{
    uint64_t count;
    hpa_t base = hpa(0);
    int bad = 0;

    while (bad == 0 && frames_next_run(base, &base, &count)) {
        bad = pagetable_set(base.v, count << PAGE_SHIFT, LEAF_DATA);
        base.v += count << PAGE_SHIFT;
    }
    for (uint32_t i = 0; i < boot->modules && bad == 0; i++)
        bad = pagetable_set(boot->module[i].base.v, boot->module[i].bytes, LEAF_CONST);
    return bad;
}

static void read_features(void)
{
    uint64_t width = cpuid(0x80000000, 0).eax >= 0x80000008 ? cpuid(0x80000008, 0).eax & 0xff : 36;
    uint32_t structured = cpuid(0, 0).eax >= 7 ? cpuid(7, 0).ebx : 0;

    physical_limit = 1ull << width < ADDRESS_LIMIT ? 1ull << width : ADDRESS_LIMIT;
    has_smep = (structured & (1u << 7)) != 0;
    has_smap = (structured & (1u << 20)) != 0;
}

int paging_init(const struct boot_info *boot)
{
    read_features();
    if (pagetable_init() != 0 || map_image() != 0 || map_ram(boot) != 0) {
        log_error("mem", "no frame left for the hypervisor's page tables: give the machine more "
                         "memory");
        return -ENOMEM;
    }
    paging_init_cpu();
    log_debug("mem", "paging: NX, WP%s%s", has_smep ? ", SMEP" : "", has_smap ? ", SMAP" : "");
    return 0;
}

void paging_init_cpu(void)
{
    uint64_t cr4 = read_cr4();

    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE); /* first: the tables have NX set */
    wrmsr(MSR_PAT, PAT_RESET);
    write_cr3(pagetable_root().v);
    write_cr0(read_cr0() | CR0_WP);
    cr4 |= (has_smep ? CR4_SMEP : 0) | (has_smap ? CR4_SMAP : 0);
    write_cr4(cr4);
}

/* Whether [base, base + bytes) can be a page-table entry's business at all: firmware and devices
 * name these addresses. */
static bool is_physical(hpa_t base, uint64_t bytes)
{
    return bytes != 0 && base.v < physical_limit && bytes <= physical_limit - base.v;
}

volatile void *map_mmio(hpa_t base, uint64_t bytes)
{
    uint64_t end = base.v + bytes;

    if (!is_physical(base, bytes))
        return NULL;
    /* RAM under registers means that the firmware or a device lies about one of the two. */
    for (uint64_t at = align_down(base.v, PAGE_SIZE); at < end; at += PAGE_SIZE)
        if (at == 0 || frame_is_ram(hpa(at)))
            return NULL;
    if (pagetable_set(base.v, bytes, LEAF_DEVICE) != 0)
        return NULL;
    return phys_to_virt(base);
}

const void *map_firmware(hpa_t base, uint64_t bytes)
{
    unsigned level;

    if (!is_physical(base, bytes) || bytes > FIRMWARE_LIMIT)
        return NULL;
    if (base.v < PAGE_SIZE)
        return base.v + bytes <= PAGE_SIZE ? bios_data + base.v : NULL;
    for (uint64_t at = align_down(base.v, PAGE_SIZE); at < base.v + bytes; at += PAGE_SIZE) {
        uint64_t entry = pagetable_lookup(pagetable_root(), at, &level);

        if (entry & PTE_P)
            continue;
        if ((entry & PTE_GUARD) || pagetable_set_leaf(at, at, PAGE_SIZE, LEAF_CONST) == 0)
            return NULL;
    }
    return phys_to_virt(base);
}

int map_guest(hpa_t base, uint64_t bytes)
{
    return pagetable_set(base.v, bytes, LEAF_GUEST);
}

void unmap_guest(hpa_t base, uint64_t bytes)
{
    /* Back to the allocator's RAM. The same range as at map_guest, so no leaf is split here. */
    ASSERT(pagetable_set(base.v, bytes, LEAF_DATA) == 0);
}

void guest_access_begin(void)
{
    if (has_smap)
        __asm__ volatile("stac" ::: "memory");
}

void guest_access_end(void)
{
    if (has_smap)
        __asm__ volatile("clac" ::: "memory");
}

void *stack_alloc(uint64_t bytes)
{
    uint64_t count = bytes / PAGE_SIZE + 1;
    hpa_t guard = frame_alloc_run(count, PAGE_SIZE);

    if (guard.v == 0)
        return NULL;
    if (pagetable_set_leaf(guard.v, guard.v, PAGE_SIZE, PTE_GUARD) == 0) {
        frame_free_run(guard, count);
        return NULL;
    }
    return phys_to_virt(hpa(guard.v + (count << PAGE_SHIFT)));
}

int paging_map_page(hpa_t page, enum paging_rights rights)
{
    uint64_t flags = rights == PAGING_READ ? LEAF_CONST : LEAF_DATA;

    return pagetable_set_leaf(page.v, page.v, PAGE_SIZE, flags) == 0 ? -ENOMEM : 0;
}

void paging_unmap_page(hpa_t page)
{
    pagetable_set_leaf(page.v, page.v, PAGE_SIZE, 0); /* its table is there since it was mapped */
}

static bool is_canonical(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

static bool is_readable_page(uint64_t address)
{
    unsigned level;
    uint64_t entry = pagetable_lookup(hpa(read_cr3() & PTE_ADDRESS), address, &level);

    return (entry & PTE_P) != 0 && (entry & (PTE_PCD | PTE_U)) == 0;
}

bool paging_is_readable(uint64_t address)
{
    return is_canonical(address) && is_canonical(address + 7) && is_readable_page(address) &&
           is_readable_page(address + 7);
}

const char *paging_describe(uint64_t address)
{
    unsigned level;
    uint64_t entry;

    if (!is_canonical(address))
        return "not canonical";
    if (address < PAGE_SIZE)
        return "page 0, never mapped: a NULL pointer";
    entry = pagetable_lookup(hpa(read_cr3() & PTE_ADDRESS), address, &level);
    if ((entry & PTE_P) == 0)
        return entry & PTE_GUARD ? "the guard page of a stack: the stack is full" : "not mapped";
    if (entry & PTE_U)
        return "guest memory";
    if (entry & PTE_PCD)
        return "device registers";
    if ((entry & PTE_NX) == 0)
        return "the hypervisor's text, read-only";
    return entry & PTE_W ? "data, not executable" : "constants, read-only";
}

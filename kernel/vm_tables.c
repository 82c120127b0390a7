/* SPDX-License-Identifier: MIT */
/* Page tables that the guest starts on, in its own RAM and its own to change: pages of 2 MiB. The
 * caller has opened access to guest memory. */
#include "kernel/vm_parts.h"

#define PTE_P      (1ull << 0)
#define PTE_W      (1ull << 1)
#define PTE_PWT    (1ull << 3)
#define PTE_PCD    (1ull << 4)
#define PTE_PS     (1ull << 7)
#define PTE_NX     (1ull << 63)
#define FRAME      0x000ffffffffff000ull
#define PDE_LEVEL  2u
#define PML4_LEVEL 4u

static uint64_t *entry_in(struct vm *vm, uint64_t table, uint64_t address, unsigned level)
{
    uint64_t *entries = vm_ram(vm, gpa(table & FRAME), PAGE_SIZE);

    return &entries[address >> (PAGE_SHIFT + 9 * (level - 1)) & 511];
}

static void map_2m(struct vm *vm, gpa_t root, uint64_t address, uint64_t flags)
{
    uint64_t table = root.v;

    for (unsigned level = PML4_LEVEL; level > PDE_LEVEL; level--) {
        uint64_t *entry = entry_in(vm, table, address, level);

        if (!*entry)
            *entry = vm_take(vm, PAGE_SIZE).v | PTE_W | PTE_P;
        table = *entry;
    }
    *entry_in(vm, table, address, PDE_LEVEL) = address | flags;
}

static void map(struct vm *vm, gpa_t root, gpa_t base, uint64_t bytes, uint64_t flags)
{
    for (uint64_t at = align_down(base.v, PAGE_2M); at < base.v + bytes; at += PAGE_2M)
        map_2m(vm, root, at, flags);
}

gpa_t vm_tables_build(struct vm *vm)
{
    gpa_t root = vm_take(vm, PAGE_SIZE);

    map(vm, root, vm->ram_gpa, vm->ram_bytes, PTE_PS | PTE_W | PTE_P);
    if (vm->params->nic)
        map(vm, root, vm->bar_gpa, vm->params->nic->bar[0].bytes,
            PTE_NX | PTE_PS | PTE_PCD | PTE_PWT | PTE_W | PTE_P);
    return root;
}

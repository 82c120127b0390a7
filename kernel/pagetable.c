/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>
#include "kernel/mem.h"
#include "kernel/pagetable.h"
#include "kernel/x86.h"

#define LEVELS  4
#define ENTRIES 512u
#define TABLE   (PTE_P | PTE_W | PTE_U) /* the leaf decides */

static hpa_t root;
static bool has_1g;

int pagetable_init(void)
{
    has_1g = (cpuid(0x80000001, 0).edx & (1u << 26)) != 0;
    root = frame_alloc();
    return root.v != 0 ? 0 : -ENOMEM;
}

hpa_t pagetable_root(void)
{
    return root;
}

static uint64_t level_size(unsigned level)
{
    return PAGE_SIZE << (9 * (level - 1));
}

static uint64_t *entry_in(hpa_t table, uint64_t address, unsigned level)
{
    return (uint64_t *)table.v + (address >> (PAGE_SHIFT + 9 * (level - 1))) % ENTRIES;
}

static bool is_table(uint64_t entry, unsigned level)
{
    return level > 1 && (entry & PTE_P) != 0 && (entry & PTE_LARGE) == 0;
}

/* One whole store: other CPUs walk these tables meanwhile. */
static void entry_write(uint64_t *entry, uint64_t value)
{
    *(volatile uint64_t *)entry = value;
}

uint64_t pagetable_lookup(hpa_t table, uint64_t address, unsigned *level)
{
    uint64_t entry = *entry_in(table, address, *level = LEVELS);

    while (is_table(entry, *level))
        entry = *entry_in(hpa(entry & PTE_ADDRESS), address, --*level);
    return entry;
}

/* Puts a table below an entry that is a larger leaf, or nothing yet. The table is complete before
 * the entry points to it. */
static int add_table(uint64_t *entry, unsigned level)
{
    hpa_t table = frame_alloc();
    uint64_t *below = phys_to_virt(table);
    uint64_t leaf = level == 2 ? *entry & ~PTE_LARGE : *entry;

    if (table.v == 0)
        return -ENOMEM;
    if (*entry & PTE_P)
        for (unsigned i = 0; i < ENTRIES; i++)
            below[i] = leaf + i * level_size(level - 1);
    entry_write(entry, table.v | TABLE);
    return 0;
}

static unsigned largest_level(uint64_t address, uint64_t physical, uint64_t bytes)
{
    for (unsigned level = has_1g ? 3 : 2; level > 1; level--)
        if (is_aligned(address | physical, level_size(level)) && bytes >= level_size(level))
            return level;
    return 1;
}

uint64_t pagetable_set_leaf(uint64_t address, uint64_t physical, uint64_t bytes, uint64_t flags)
{
    unsigned wanted = largest_level(address, physical, bytes);
    unsigned level = LEVELS;
    uint64_t *entry = entry_in(root, address, level);

    while (level > wanted || is_table(*entry, level)) {
        if (!is_table(*entry, level) && add_table(entry, level) != 0)
            return 0;
        entry = entry_in(hpa(*entry & PTE_ADDRESS), address, --level);
    }
    if (flags & PTE_P)
        flags |= physical | (level > 1 ? PTE_LARGE : 0);
    entry_write(entry, flags);
    invlpg(address);
    return level_size(level);
}

int pagetable_set(uint64_t base, uint64_t bytes, uint64_t flags)
{
    uint64_t end = align_up(base + bytes, PAGE_SIZE);

    for (uint64_t at = align_down(base, PAGE_SIZE); at < end;) {
        uint64_t done = pagetable_set_leaf(at, at, end - at, flags);

        if (done == 0)
            return -ENOMEM;
        at += done;
    }
    return 0;
}

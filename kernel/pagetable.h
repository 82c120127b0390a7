/* SPDX-License-Identifier: MIT */
/* The tables of four-level paging (SDM volume 3 section 4.5), virtual = physical. Who is mapped how
 * is kernel/paging.c's business. Only the boot CPU changes them. */
#ifndef KERNEL_PAGETABLE_H
#define KERNEL_PAGETABLE_H

#include <stdint.h>
#include "kernel/addr.h"

#define PTE_P       (1ull << 0)
#define PTE_W       (1ull << 1)
#define PTE_U       (1ull << 2)
#define PTE_PWT     (1ull << 3)
#define PTE_PCD     (1ull << 4)
#define PTE_LARGE   (1ull << 7)
#define PTE_GUARD   (1ull << 9) /* ours, in an entry that is not present */
#define PTE_NX      (1ull << 63)
#define PTE_ADDRESS 0x000ffffffffff000ull

#define LEAF_TEXT   PTE_P
#define LEAF_CONST  (PTE_P | PTE_NX)
#define LEAF_DATA   (PTE_P | PTE_W | PTE_NX)
#define LEAF_GUEST  (LEAF_DATA | PTE_U)
#define LEAF_DEVICE (LEAF_DATA | PTE_PCD | PTE_PWT) /* entry 3 of the PAT: uncacheable */

/* -ENOMEM. */
int pagetable_init(void);
hpa_t pagetable_root(void);

/* The entry that decides over address, in the tables below root: a leaf, or one that is not
 * present. */
uint64_t pagetable_lookup(hpa_t root, uint64_t address, unsigned *level);

/* One leaf, as large as bytes and both alignments allow, splitting what is larger; flags without
 * PTE_P unmap. Returns the bytes it covers, 0 without memory. */
uint64_t pagetable_set_leaf(uint64_t address, uint64_t physical, uint64_t bytes, uint64_t flags);

/* The pages that [base, base + bytes) touches, virtual = physical. -ENOMEM. */
int pagetable_set(uint64_t base, uint64_t bytes, uint64_t flags);

#endif

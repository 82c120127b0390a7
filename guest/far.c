/* SPDX-License-Identifier: MIT */
#include "guest/far.h"

#include "guest/heap.h"

#define PTE_PRESENT 0x1u
#define PTE_WRITE   0x2u
#define PTE_LARGE   0x80u
#define PML4_FREE   511u /* the top half of the address space is not in use */
#define GIB_MASK    ((1ULL << 30) - 1)

volatile uint64_t *far_at(uint64_t address)
{
    uint64_t *table = heap_pages(1), *pml4, cr3;

    __asm__("mov %%cr3, %0" : "=r"(cr3));
    pml4 = (uint64_t *)(cr3 & ~0xfffULL);
    table[0] = (address & ~GIB_MASK) | PTE_LARGE | PTE_WRITE | PTE_PRESENT;
    pml4[PML4_FREE] = (uintptr_t)table | PTE_WRITE | PTE_PRESENT;
    return (volatile uint64_t *)(0xffff000000000000ULL | (uint64_t)PML4_FREE << 39 |
                                 (address & GIB_MASK));
}

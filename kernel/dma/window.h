/* SPDX-License-Identifier: MIT */
/*
 * The strategies that see each map and each unmap. The guest chooses IOVAs of its window; what it
 * says about them is checked against a record for each IOVA page, its slot. Slots take the place of
 * the map cache's records in the domain's memory.
 */
#ifndef KERNEL_DMA_WINDOW_H
#define KERNEL_DMA_WINDOW_H

#include "kernel/dma/dma.h"

/* The interrupt range: no second-level entry is looked at there (VT-d specification, section 3.14).
 */
#define WINDOW_HOLE_BEGIN 0xfee00000ull
#define WINDOW_HOLE_END   0xfef00000ull

struct window_slot {
    uint32_t page : 28;  /* of the guest's, that it goes to */
    uint32_t rights : 2; /* what the second-level entry allows; 0: there is none */
    uint32_t wanted : 2; /* what the call in hand asks for */
    uint32_t count : 28; /* live mappings */
    uint32_t leaving : 1;
};

_Static_assert(sizeof(struct window_slot) == 8, "as large as a page's record");

/* A slot that is never used ends each row: neighbours by index are neighbours by address. */
static inline uint32_t window_slots(const struct dma_window *w)
{
    return w->rows * (w->pages + 1);
}

static inline iova_t window_iova(const struct dma_window *w, uint32_t slot)
{
    return iova(w->base.v + slot / (w->pages + 1) * w->stride + slot % (w->pages + 1) * PAGE_SIZE);
}

bool window_is_sound(const struct dma_window *w);
/* Every slot free, every word 0. */
void window_reset(struct dma_domain *d);
/* The slots alone. */
void window_forget(struct dma_domain *d);
/* A burst of this kind, after the checks that are common. */
int window_call(struct dma_domain *d, struct abi_dma_desc *burst, uint32_t n);
/* Their invalidation has completed: the IOVAs are free. */
void window_release(struct dma_domain *d, const uint32_t *slots, uint32_t count);
/* Clears all entries and adds them to the open batch. */
int window_clear(struct dma_domain *d);
bool window_is_valid(const struct dma_domain *d);

struct window_slot *window_slot(const struct dma_domain *d, uint32_t slot);

#endif

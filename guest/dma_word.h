/* SPDX-License-Identifier: MIT */
/*
 * What a map of a resident page and an unmap cost: one locked operation on the page's word in the
 * shared table (kernel/abi.h). `words` is the table as if it began at address 0, so that an address
 * finds its word by a shift alone. make bench-engine counts the instructions.
 */
#ifndef GUEST_DMA_WORD_H
#define GUEST_DMA_WORD_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/abi.h"

#define DMA_WORD_SHIFT 12

static inline uint32_t *dma_words(uint64_t table, uint64_t ram_base)
{
    return (uint32_t *)(table - (ram_base >> DMA_WORD_SHIFT) * sizeof(uint32_t));
}

/* Takes a reference to address's page; what its word was. The reference comes first: from here on
 * the page can't be evicted, so that the rights in the old word hold. */
static inline uint32_t dma_word_take(uint32_t *words, uint64_t address)
{
    return __atomic_fetch_add(&words[address >> DMA_WORD_SHIFT], ABI_DMA_COUNT, __ATOMIC_SEQ_CST);
}

static inline void dma_word_give(uint32_t *words, uint64_t address)
{
    __atomic_fetch_sub(&words[address >> DMA_WORD_SHIFT], ABI_DMA_COUNT, __ATOMIC_SEQ_CST);
}

/* The old word has every right, and nothing is left to be set in it: a hit, done. */
static inline bool dma_word_is_hit(uint32_t old, uint32_t rights)
{
    return !(~old & (rights | ABI_DMA_VISITED | ABI_DMA_TOUCHED));
}

#endif

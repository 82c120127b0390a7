/* SPDX-License-Identifier: MIT */
/*
 * A page's word in the shared DMA table (abi.h). The guest may write anything into it at any time,
 * so each access is one atomic operation and none is repeated: a word that changes under us belongs
 * to a page in use.
 */
#ifndef KERNEL_DMA_WORD_H
#define KERNEL_DMA_WORD_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/abi.h"

static inline void word_reset(uint32_t *word, uint32_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELAXED);
}

static inline bool word_is_idle(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED) < ABI_DMA_COUNT;
}

/* Removes what a guest may have left in the word of a page that was not resident. */
static inline void word_scrub(uint32_t *word)
{
    __atomic_fetch_and(word, ~(ABI_DMA_RIGHTS | ABI_DMA_VISITED), __ATOMIC_SEQ_CST);
}

/* Lets the guest's maps of the page hit. The entry must be in place and every older one gone. */
static inline void word_grant(uint32_t *word, uint32_t rights)
{
    __atomic_fetch_or(word, rights, __ATOMIC_SEQ_CST);
}

/*
 * Takes the page away from the guest if no mapping is live: residency goes in the same
 * compare-and-swap that sees the count at 0, so that a map that comes later must miss.
 */
static inline bool word_take(uint32_t *word)
{
    uint32_t old = __atomic_load_n(word, __ATOMIC_RELAXED);
    uint32_t taken = old & ~(ABI_DMA_RIGHTS | ABI_DMA_VISITED);

    if (old >= ABI_DMA_COUNT)
        return false;
    return __atomic_compare_exchange_n(word, &old, taken, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_RELAXED);
}

static inline bool word_is_visited(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED) & ABI_DMA_VISITED;
}

/* Tests and clears VISITED. The load first: most words looked at are cold. */
static inline bool word_take_visited(uint32_t *word)
{
    if (!(__atomic_load_n(word, __ATOMIC_RELAXED) & ABI_DMA_VISITED))
        return false;
    return __atomic_fetch_and(word, ~ABI_DMA_VISITED, __ATOMIC_SEQ_CST) & ABI_DMA_VISITED;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A unit for the host's tests, behind kernel/dma/dma_hw.h: one level of entries, an IOTLB that
 * keeps what it holds until an invalidation covering it has completed, and invalidations that
 * complete as late as the token allows. It checks the order of every operation and counts
 * violations.
 */
#ifndef TESTS_HOST_FAKE_DMA_HW_H
#define TESTS_HOST_FAKE_DMA_HW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "kernel/dma/dma_hw.h"

struct fake_entry {
    uint64_t frame;
    uint32_t rights; /* 0: not present */
};

struct fake_page {
    struct fake_entry table;
    struct fake_entry iotlb;
    struct fake_entry refetched; /* what the IOTLB holds once the open invalidation is over: the
                                    device may fetch again as soon as the descriptor was executed,
                                    long before the token shows */
    bool prepared;
    bool released; /* the frame was given to somebody else */
};

enum fake_operation {
    FAKE_PREPARE,
    FAKE_SET,
    FAKE_CLEAR,
    FAKE_INVALIDATE,
    FAKE_SUBMIT,
    FAKE_WAIT,
    FAKE_COMPLETE, /* a token's invalidations took effect */
};

struct fake_record {
    enum fake_operation operation;
    uint64_t iova, pages;
    uint32_t rights;
    dma_token_t token;
};

struct fake_invalidation {
    uint64_t first, pages; /* page indices */
    dma_token_t token;
};

struct dma_hw {
    /* Settings, changed at any time. */
    bool eager;           /* the device fetches every entry at once: the worst IOTLB there can be */
    bool caching_mode;    /* dma_hw_set invalidates and waits by itself */
    uint32_t late;        /* dma_hw_done says no this often before a token completes */
    uint32_t tables_left; /* table pages to be had before dma_hw_prepare fails */
    uint32_t waits_left;  /* waits before the queue dies for good */
    uint32_t invalidations_left; /* descriptors it takes before it dies */
    void (*hook)(void *context, enum fake_operation operation); /* what happens meanwhile */
    void *context;

    uint64_t base, pages; /* base in bytes */
    struct fake_page *page;
    dma_token_t submitted, completed;
    uint32_t polls;
    bool dead; /* the queue stands still: nothing completes any more */
    struct dma_hw_stats stats;
    struct fake_invalidation *pending;
    size_t pending_count, pending_room;
    struct fake_record *history;
    size_t history_count, history_room;
    uint32_t violations;
    char violation[128]; /* the first one, in words */
};

#define FAKE_UNLIMITED UINT32_MAX

struct dma_hw *fake_dma_new(iova_t base, uint32_t pages);
void fake_dma_free(struct dma_hw *hw);

/* The device reads or writes: true with the frame it reached, false for a fault. Uses the IOTLB
 * first. Reaching a released frame is a violation. */
bool fake_dma_access(struct dma_hw *hw, iova_t at, bool write, hpa_t *frame);

/* The page's frame goes to somebody else: a violation when the device can still reach it. */
void fake_dma_release(struct dma_hw *hw, uint32_t page);

/* What the device can do to the page at worst, and at least: by the entry and by the IOTLB. */
uint32_t fake_dma_worst(const struct dma_hw *hw, uint32_t page);
uint32_t fake_dma_surely(const struct dma_hw *hw, uint32_t page);
uint32_t fake_dma_reachable(const struct dma_hw *hw); /* pages */

/* The index in the history of the first such operation at or after from, or SIZE_MAX. */
size_t fake_dma_find(const struct dma_hw *hw, enum fake_operation operation, size_t from);
void fake_dma_print(const struct dma_hw *hw, size_t last);

#endif

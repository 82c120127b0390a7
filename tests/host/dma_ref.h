/* SPDX-License-Identifier: MIT */
/*
 * The engine once more, by brute force and for a machine without concurrency: arrays that are
 * searched and shifted, nothing shared with kernel/dma. It predicts the result, the resident set,
 * its order and every word.
 */
#ifndef TESTS_HOST_DMA_REF_H
#define TESTS_HOST_DMA_REF_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/abi.h"
#include "tests/host/ref_order.h"

struct ref {
    uint64_t base;
    uint32_t pages, quota, floor;
    uint32_t evict_batch; /* 0: strict */
    bool prefilled;       /* none, direct */
    bool sees_hits;       /* hits=exit: the words show no rights */
    uint32_t words[REF_PAGES];
    uint8_t rights[REF_PAGES];
    struct ref_order order;
    uint64_t misses, evictions;
};

uint32_t ref_resident(const struct ref *r);
/* no_table: the hardware runs out of table pages in this call. Statuses are predicted too. */
int ref_map_burst(struct ref *r, struct abi_dma_desc *burst, uint32_t n, bool no_table);
int ref_set_quota(struct ref *r, uint32_t quota);

#endif

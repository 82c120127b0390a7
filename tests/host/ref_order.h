/* SPDX-License-Identifier: MIT */
/*
 * The eviction policies that keep lists of pages once more, by brute force: arrays that are
 * searched and shifted, nothing shared with kernel/dma.
 */
#ifndef TESTS_HOST_REF_ORDER_H
#define TESTS_HOST_REF_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#define REF_PAGES 256u
#define REF_NONE  UINT32_MAX

enum ref_kind { REF_FIFO, REF_LRU, REF_CLOCK, REF_SIEVE, REF_S3FIFO, REF_ARC, REF_KINDS };

struct ref_list {
    uint32_t page[REF_PAGES]; /* oldest first */
    uint32_t count;
};

struct ref_order {
    enum ref_kind kind;
    uint32_t quota;
    struct ref_list main, small, ghost, ghost_small, parked;
    bool from_small[REF_PAGES]; /* of parked pages */
    uint8_t uses[REF_PAGES];
    uint32_t hand; /* SIEVE: the page it points at, or REF_NONE */
    uint32_t target;
    bool ghost_main;
};

/* False for policies that have no reference. */
bool ref_kind_of(const char *policy, enum ref_kind *kind);
void ref_order_init(struct ref_order *o, enum ref_kind kind, uint32_t quota);
void ref_order_miss(struct ref_order *o, uint32_t page);
void ref_order_insert(struct ref_order *o, uint32_t page);
void ref_order_hit(struct ref_order *o, uint32_t page);
void ref_order_release(struct ref_order *o, uint32_t page);
/* As the engine evicts: goal pages if it can, but all it finds until there are `must`. A page can
 * go when its word has count 0 and it is not pinned (NULL: none is); its flags go with it. Returns
 * how many, out tells which. */
uint32_t ref_order_evict(struct ref_order *o, uint32_t *words, const bool *pinned, uint32_t goal,
                         uint32_t must, uint32_t *out);
uint32_t ref_order_resident(const struct ref_order *o);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Eviction policies: const tables, all in one image. A policy orders the resident pages; the engine
 * decides whether a candidate can go (its count must be 0). Policies see misses and the guest's
 * VISITED bits only, because hits never exit.
 */
#ifndef KERNEL_DMA_EVICT_H
#define KERNEL_DMA_EVICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Links of a page in the policy's order: page indices, EVICT_NONE ends. */
#define EVICT_NONE UINT32_MAX

struct evict_link {
    uint32_t prev, next;
};

struct evict_list {
    struct evict_link *link; /* one a page of the domain */
    uint32_t head, tail;     /* head: newest */
    uint32_t hand;           /* policies with a hand: next to look at */
    uint32_t length;
};

/* Tests and clears the guest's VISITED bit. */
typedef bool (*evict_visited_fn)(void *domain, uint32_t page);

struct evict_policy {
    const char *name;
    void (*insert)(struct evict_list *list, uint32_t page);
    void (*remove)(struct evict_list *list, uint32_t page);
    /* The next page to try, or EVICT_NONE when the order is empty. Called again without a remove
     * (the page was in use), it moves on; length calls see each page at least once when none is
     * VISITED. */
    uint32_t (*candidate)(struct evict_list *list, evict_visited_fn visited, void *domain);
};

extern const struct evict_policy evict_fifo, evict_sieve;

/* By its command-line name; NULL when there is none. names: NULL-terminated, for error texts. */
const struct evict_policy *evict_find(const char *name);
extern const char *const evict_names[];

#endif

/* SPDX-License-Identifier: MIT */
/* Chunks of 64 pages, of which sizeclass makes its ranges: the pool of those that are nobody's,
 * which all CPUs use without a lock, and lists of those that are one CPU's. */
#ifndef KERNEL_DMA_IOVA_CHUNK_H
#define KERNEL_DMA_IOVA_CHUNK_H

#include "kernel/dma/iova_space.h"

#define CHUNK_PAGES IOVA_MAX_PAGES
#define CHUNK_NONE  UINT32_MAX

struct chunk {
    uint64_t free;        /* a bit a range; written by the owner only */
    uint64_t remote;      /* freed by other CPUs, not yet in `free` */
    uint32_t owner;       /* 0: in the pool; else chunk_owner() */
    uint32_t next, prev;  /* the owner's list; next: the pool's */
    uint32_t remote_next; /* on the owner's stack */
    bool listed;
} __attribute__((aligned(IOVA_LINE)));

struct chunk_pool {
    struct chunk *chunks;
    uint32_t count;
    /* Low half: the first chunk; high half: counts the changes, so that a pop whose chunk went and
     * came back meanwhile fails. */
    uint64_t head __attribute__((aligned(IOVA_LINE)));
};

static inline uint32_t chunk_owner(uint32_t cpu, uint32_t order)
{
    return (order + 1) << 16 | cpu;
}

static inline bool chunk_is_owned(uint32_t owner)
{
    return owner != 0;
}

static inline uint32_t chunk_cpu(uint32_t owner)
{
    return owner & 0xffff;
}

static inline uint32_t chunk_order(uint32_t owner)
{
    return (owner >> 16) - 1;
}

/* All ranges of a chunk. */
static inline uint64_t chunk_all(uint32_t order)
{
    return ~0ull >> (CHUNK_PAGES - (CHUNK_PAGES >> order));
}

/* All chunks are in the pool. */
void chunk_pool_init(struct chunk_pool *pool, struct chunk *chunks, uint32_t count);

/* A retry in these means that another CPU succeeded. pop: CHUNK_NONE when there is none. */
void chunk_push(struct chunk_pool *pool, uint32_t i);
uint32_t chunk_pop(struct chunk_pool *pool);

/*
 * A CPU's list of chunks of one order, by its head: those with free ranges. At the head there may
 * be one that has none left, because a ring frees there next. One without any range in use is alone
 * in its list; otherwise it goes back into the pool.
 */
void chunk_list(struct chunk_pool *pool, uint32_t *list, uint32_t order, uint32_t i);
void chunk_release(struct chunk_pool *pool, uint32_t *list, uint32_t i); /* into the pool */
/* The head, if it has no free range; if it has no used one. */
void chunk_drop_used(struct chunk_pool *pool, uint32_t *list);
void chunk_release_empty(struct chunk_pool *pool, uint32_t *list, uint32_t order);

/* Chunks on the list; -1 when one of them does not belong there. */
int64_t chunk_audit_list(const struct chunk_pool *pool, uint32_t head, uint32_t owner);

#endif

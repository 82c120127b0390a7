/* SPDX-License-Identifier: MIT */
/*
 * IOVA allocators: const tables, all in one image. Each hands out ranges of 1..IOVA_MAX_PAGES pages
 * of one space. Pure C for the engine, the guest's DMA API and the host; no allocator below: the
 * caller gives the memory. What each is, and its source: docs/iova.md.
 *
 * The life of a range, the same for all:
 *   iova_alloc   the address, and which of its pages need an entry now;
 *   iova_put     its user is done: which of its entries have to go;
 *   (the caller clears these and completes their invalidation)
 *   iova_free    the address may be given to somebody else.
 * A range is put and freed whole.
 *
 * Threads: with lock set, calls on different CPUs may run at the same time; a CPU's own calls do
 * not interrupt each other. Without a lock the caller serialises all calls. The `changed` of
 * identity orders nothing: who writes the entries serialises its alloc and put of the same page
 * together with the write of the entry.
 */
#ifndef KERNEL_DMA_IOVA_H
#define KERNEL_DMA_IOVA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "kernel/abi.h"
#include "kernel/addr.h"

#define IOVA_MAX_PAGES 64u
#define IOVA_MAX_CPUS  256u
#define IOVA_SPACE_MAX (1u << 28) /* pages, exclusive: as many as a domain has at most */

struct iova_config {
    uint64_t base; /* the space's first address: a multiple of 256 KiB (identity: of a page), not 0.
                      identity: the GPA of page 0 */
    uint64_t limit; /* first address past what the domain can translate */
    uint32_t pages; /* 1..IOVA_SPACE_MAX - 1. identity: of guest memory */
    uint32_t cpus;  /* 1..IOVA_MAX_CPUS */
    /* Around rbtree's, eiovar's and magazine's tree (identity and sizeclass take no lock). Held for
     * a step of the work: docs/iova.md has the bounds. lock: false when its deadline passed. NULL:
     * no two calls run at the same time. */
    bool (*lock)(void *arg);
    void (*unlock)(void *arg);
    void *lock_arg;
};

struct iova_range {
    iova_t at;      /* set by iova_alloc; a multiple of the smallest power of two that holds `pages`
                       pages (identity: of a page), so that one invalidation's mask covers it */
    uint32_t page;  /* the first guest page's index: identity goes by it, the others ignore it */
    uint16_t pages; /* 1..IOVA_MAX_PAGES */
    uint16_t rights;  /* ABI_DMA_READ, ABI_DMA_WRITE or both: likewise */
    uint64_t changed; /* bit i: the entry of page i is to be written (alloc), to be cleared (put) */
};

struct iova_space; /* opaque; lives in caller's memory */

/* Called through the functions below, which check the arguments. */
struct iova_allocator {
    const char *name;
    int (*check)(const struct iova_config *config); /* 0, or iova_init's error */
    size_t (*bytes)(const struct iova_config *config);
    void (*init)(struct iova_space *space); /* all of its memory is 0 */
    int (*alloc)(struct iova_space *space, struct iova_range *range, uint32_t cpu);
    /* NULL: all entries go */
    int (*put)(struct iova_space *space, struct iova_range *range, uint32_t cpu);
    /* NULL: nothing left to do */
    int (*free)(struct iova_space *space, const struct iova_range *range, uint32_t cpu);
    void (*trim)(struct iova_space *space); /* NULL: keeps nothing back */
    int64_t (*audit)(const struct iova_space *space);
};

extern const struct iova_allocator iova_identity, iova_rbtree, iova_eiovar, iova_magazine,
    iova_sizeclass;

/* By its command-line name; NULL when there is none. names: NULL-terminated, for error texts. */
const struct iova_allocator *iova_find(const char *name);
extern const char *const iova_names[];

/* Bytes of private memory for such a space, 64-byte aligned; 0 when iova_init would refuse it. */
size_t iova_bytes(const struct iova_allocator *allocator, const struct iova_config *config);

/* -EINVAL: see the fields of iova_config; -ERANGE: the space ends past config->limit. */
int iova_init(const struct iova_allocator *allocator, const struct iova_config *config,
              void *memory, struct iova_space **space);

/*
 * range: pages, rights, page in; at, changed out. cpu: the caller's, < config->cpus. 0, or
 *   -EINVAL     no such cpu, size, rights, or (identity) page;
 *   -ENOSPC     no room now: after a free there may be. Ranges that other CPUs keep back count as
 *               gone; they are asked to give them up, which they do at their next call;
 *   -EOVERFLOW  (identity) a page has more live mappings than its count holds;
 *   -ETIMEDOUT  the lock was not to be had.
 * Nothing has changed after an error.
 */
int iova_alloc(struct iova_space *space, struct iova_range *range, uint32_t cpu);

/* range: as iova_alloc left it; changed out. -EINVAL when it is not allocated and that is cheap to
 * see (identity: always; others: by iova_free). */
int iova_put(struct iova_space *space, struct iova_range *range, uint32_t cpu);

/* cpu: the caller's, which need not be the one that allocated. -EINVAL when no such range is
 * allocated (docs/iova.md says which mistakes each allocator sees); -ETIMEDOUT: not freed. */
int iova_free(struct iova_space *space, const struct iova_range *range, uint32_t cpu);

/* Gives up everything that caches keep back. No other call at the time. */
void iova_trim(struct iova_space *space);

/* Pages allocated (rounded up as the allocator rounds: magazine and sizeclass to a power of two;
 * identity: live mappings of pages), found by brute force over all of the space's structures;
 * negative when any of them is broken. For tests and debug builds; no other call at the time. */
int64_t iova_audit(const struct iova_space *space);

#endif

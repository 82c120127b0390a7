/* SPDX-License-Identifier: MIT */
/*
 * The DMA engine: one domain's map cache, bounded by a quota (Yassour, Ben-Yehuda, Wasserman,
 * SYSTOR'10). Pure C over dma_hw.h; no allocator, no clock, no locks: the caller serialises calls
 * on a domain and gives the memory. The guest's words change under it at any time (abi.h, "The
 * shared DMA table"): what it reads there is a hint, except that a page with count 0 may be taken
 * by one compare-and-swap. Its own records are the truth about what is resident.
 */
#ifndef KERNEL_DMA_DMA_H
#define KERNEL_DMA_DMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "kernel/abi.h"
#include "kernel/addr.h"
#include "kernel/dma/dma_hw.h"

struct evict_policy;

enum dma_strategy {
    DMA_NONE, /* no translation: needs unsafe-dma; the table is prefilled so that the guest's path
                 is the same */
    DMA_PASSTHROUGH, /* the same by the unit's own pass-through: only this device is let through */
    DMA_DIRECT,      /* all of guest RAM mapped at start */
    DMA_PERSISTENT,  /* mapped at the first use, for good: on-demand without a quota */
    DMA_ON_DEMAND,   /* mapped at the first use, evicted under the quota */
    DMA_SHARED,      /* mapped while used; the uses of a page share its IOVA */
    DMA_SINGLE_USE,  /* mapped while used, at an IOVA of that use's own */
};

enum dma_flush {
    DMA_FLUSH_STRICT,   /* evict as many as needed, an invalidation and a wait for each */
    DMA_FLUSH_DEFERRED, /* one queue: handed over at 250 pages, by dma_domain_flush, or for want of
                           room; a wait only then */
    DMA_FLUSH_PERCPU,   /* the same with a queue a CPU */
    DMA_FLUSH_BATCH,    /* evict at least evict_batch, merge ranges, one wait */
};

#define DMA_NO_QUOTA UINT32_MAX

/* Whether the policy learns of maps of resident pages. lru works only where it does. */
enum dma_hits {
    DMA_HITS_FREE, /* a hit never exits */
    DMA_HITS_EXIT, /* the guest calls for every map, as the words never show a right: the set-up of
                      the paper */
    DMA_HITS_TOLD, /* the words show the rights, and who sees the hits tells: dma_domain_hit,
                      dma_domain_release */
};

/*
 * SHARED and SINGLE_USE: the IOVAs that the guest may choose from. Rows of pages, stride bytes from
 * the start of one to that of the next.
 */
struct dma_window {
    iova_t base;
    uint32_t pages; /* of a row */
    uint32_t rows;
    uint64_t stride;
};

struct dma_config {
    enum dma_strategy strategy;
    const struct evict_policy *policy;
    enum dma_flush flush;
    uint32_t quota; /* pages; DMA_NO_QUOTA for none, and only ON_DEMAND takes another */
    struct dma_window window;
    uint32_t evict_batch; /* pages a batch eviction frees at least, when that many are idle; 16 by
                             default. An eviction for dma_domain_set_quota frees what it must */
    uint32_t prefetch;    /* followers brought along with a miss, at most FOLLOWER_DEPTH; 0: none.
                             csra: a bound on its run-ahead instead; adaptive takes none */
    enum dma_hits hits;   /* of ON_DEMAND */
};

/* The guest memory a domain meters. */
struct dma_space {
    iova_t base;  /* IOVA of the first page, = its GPA */
    hpa_t frames; /* its frame; the rest follow */
    uint32_t pages;
    uint32_t *table;   /* the guest's words, pages of them */
    struct dma_hw *hw; /* NULL for DMA_NONE and DMA_PASSTHROUGH */
};

struct dma_counters {
    uint64_t calls;     /* bursts handed over */
    uint64_t misses;    /* pages mapped, or given more rights, on request */
    uint64_t ahead;     /* pages mapped that nobody had asked for yet */
    uint64_t evictions; /* pages taken away again */
    uint64_t unmaps;    /* IOVA pages given up again, their invalidation completed */
    uint64_t no_space;  /* bursts refused with -ENOSPC */
    uint64_t waits;     /* times a call had to wait for the hardware */
    uint32_t resident;  /* now: mapped, or not yet invalidated */
    uint32_t leaving;   /* of these, waiting in a deferred queue or for its token */
    uint32_t resident_peak;
};

struct dma_domain; /* opaque; lives in caller's memory */

/* The windows of the two kinds of allocators: of as many pages as the guest has, somewhere else
 * than they are; or the pages' own addresses, in a row for each right (iova.h, identity). */
struct dma_window dma_window_apart(uint32_t pages);
struct dma_window dma_window_identity(iova_t base, uint32_t pages);

/* Bytes of memory a domain over this many pages needs: a constant plus 8 a page, or 8 an IOVA of
 * its window; 4 a page more for follower prefetch. */
size_t dma_domain_bytes(uint32_t pages, const struct dma_config *config);

/*
 * Makes a domain in memory (dma_domain_bytes(space->pages, config), 8-byte aligned) and writes
 * every word of the table. DIRECT maps everything here. -EINVAL: a quota of 0 or above
 * space->pages, or below it where mapped pages stay (all but ON_DEMAND); no policy with ON_DEMAND;
 * a base or frame off a page boundary; 2^26 - 1 pages or more; a policy that must see every map,
 * with DMA_HITS_FREE; hits or prefetch with another strategy. -ENOMEM, -ERANGE from
 * dma_hw_prepare. -ETIMEDOUT from dma_hw_set: the device may reach everything, and nothing may be
 * reused.
 */
int dma_domain_init(void *memory, const struct dma_config *config, const struct dma_space *space,
                    struct dma_domain **domain);

/* The guest's floor in pages. -ENOSPC when the quota is below it, -EBUSY when called again. */
int dma_domain_set_floor(struct dma_domain *d, uint32_t floor);

/*
 * Changes the quota; evicts down to it. -EBUSY, with nothing changed, when pages in use stand in
 * the way (when the guest takes them into use in that very moment, idle ones may have gone);
 * -EINVAL for 0, more than there are pages, or below the floor; -ETIMEDOUT.
 */
int dma_domain_set_quota(struct dma_domain *d, uint32_t quota);

/* Whether each map and each unmap is a descriptor, at an IOVA of the guest's choice. Otherwise IOVA
 * = GPA, and hits and unmaps are known to the guest's words alone. */
bool dma_strategy_has_window(enum dma_strategy strategy);

/*
 * Maps a burst of 1..ABI_DMA_BURST descriptors (already copied in; only status is written): all
 * of them or none; with room left, pages that are likely to be next come along. A page that comes
 * more than once counts once. Work is bounded by the burst's pages plus a few looks at each
 * resident one, and these only when nearly all of the quota is in use. 0, or
 *   -EINVAL, -E2BIG  a descriptor is wrong: its status says so, the others' are 0;
 *   -ENOSPC          the quota is in use: what was idle may have been evicted;
 *   -ENOMEM, -ERANGE from dma_hw_prepare: likewise;
 *   -ETIMEDOUT       the hardware did not answer: the domain is dead, what is resident or leaving
 *                    counts for good, and every further call on it returns the same.
 * For all but the first, every status is the result.
 *
 * With a window, descriptors take effect in their order, and ABI_DMA_OP_UNMAP ends one mapping of
 * each page. A page that is mapped again at the same IOVA with the same frame counts once more, and
 * leaves with its last unmap; the IOVA can go to another page in a later call. Further errors, in
 * the status of one descriptor:
 *   -EEXIST          another page is mapped at that IOVA;
 *   -ENOENT          unmap of an IOVA that is not mapped;
 *   -EOVERFLOW       more mappings of an IOVA than can be counted.
 */
int dma_map_burst(struct dma_domain *d, struct abi_dma_desc *burst, uint32_t n);

/* For callers that see what the engine is not told: a map of a resident page, an unmap that left a
 * page idle. Does nothing where the policy has no use for it. */
void dma_domain_hit(struct dma_domain *d, uint32_t page);
void dma_domain_release(struct dma_domain *d, uint32_t page);

/*
 * For DEFERRED and PERCPU. A page must not wait for long (Linux: 10 ms), and the engine has no
 * clock: the caller asks dma_domain_is_waiting after each call and hands over with dma_domain_flush
 * in time. That takes back what has completed and never waits: 0 or -ETIMEDOUT.
 */
bool dma_domain_is_waiting(const struct dma_domain *d);
int dma_domain_flush(struct dma_domain *d);

/* The CPU that the next calls come from: PERCPU queues their pages apart. */
void dma_domain_set_cpu(struct dma_domain *d, uint32_t cpu);

/* Unmaps everything and waits for the invalidation; the table is left alone. 0 or -ETIMEDOUT (then
 * nothing may be reused). Every further call returns an error. */
int dma_domain_fini(struct dma_domain *d);

/* With a window: whether the device may reach this frame at this IOVA, by the engine's record. */
bool dma_domain_maps(const struct dma_domain *d, iova_t at, hpa_t frame);

/* What the device may do with this page of the space (of the window, row by row), by the engine's
 * record: ABI_DMA_RIGHTS bits, 0 when it is not mapped. */
uint32_t dma_domain_rights(const struct dma_domain *d, uint32_t page);

/* Whether the page was taken away and may still be reached: a queue or a token holds it up. */
bool dma_domain_is_leaving(const struct dma_domain *d, uint32_t page);

const struct dma_counters *dma_domain_counters(const struct dma_domain *d);

/* Restarts resident_peak at resident: the measured window begins. */
void dma_domain_begin_window(struct dma_domain *d);

/* Every invariant of the records, by brute force: quota, counts, order. Holds between calls,
 * whatever the guest writes into its words. For tests and debug builds. */
bool dma_domain_is_valid(const struct dma_domain *d);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Run-ahead along the stream of misses: which page missed after this one, and how sure is that? A
 * page's successor is in its record's `newer` link, the confidence in `uses`, so that it costs no
 * memory. Only misses are learnt from; VISITED tells later which of the pages brought along were
 * used.
 */
#ifndef KERNEL_DMA_SUCCESSOR_H
#define KERNEL_DMA_SUCCESSOR_H

#include <stdbool.h>
#include <stdint.h>

struct evict_order;

#define SUCCESSOR_RUN    256u
#define SUCCESSOR_PROBES 4u

struct successor {
    uint32_t last;                   /* the page that missed last */
    uint32_t depth;                  /* pages a run may have now */
    uint32_t limit;                  /* and at most */
    uint32_t run[SUCCESSOR_RUN + 1]; /* the miss, then what was brought along for it */
    uint32_t run_length;
    uint32_t probe[SUCCESSOR_PROBES]; /* absent pages that the run would have gone on with */
    uint32_t probes;
    uint32_t trust; /* how often these chains are right: 0..SUCCESSOR_SURE */
};

#define SUCCESSOR_SURE 65536u

/* limit: pages a run has at most. */
void successor_init(struct evict_order *order, uint32_t limit);
/* At the first miss of a burst: what became of the last run? */
void successor_score(struct evict_order *order, uint32_t page);
void successor_learn(struct evict_order *order, uint32_t page);
/* Appends to pages (which has count, at most max) the absent pages that follow from, the last page
 * of the burst. Returns the new count. */
uint32_t successor_run(struct evict_order *order, uint32_t from, uint32_t *pages, uint32_t count,
                       uint32_t max);
/* Remembers how the chain goes on, to see whether it would have been right. */
void successor_look_ahead(struct evict_order *order, uint32_t from);

#endif

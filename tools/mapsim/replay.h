/* SPDX-License-Identifier: MIT */
/*
 * A trace through the real engine: the guest's side of the shared table, the engine, and a unit
 * that only counts. A map is one page; unmaps never call; both rights for all, so that a miss is a
 * page that is not resident.
 */
#ifndef TOOLS_MAPSIM_REPLAY_H
#define TOOLS_MAPSIM_REPLAY_H

#include <stdint.h>
#include "kernel/dma/evict.h"
#include "tools/mapsim/trace.h"

enum replay_batch {
    BATCH_NATURAL = 0, /* maps of one direction, at most 40 us apart, no unmap between */
    BATCH_NONE = 1,    /* each map by itself */
    /* Anything else: up to so many maps of one direction with no unmap between, however long they
     * take. */
};

struct replay_config {
    const struct trace *trace;
    const struct evict_policy *policy;
    uint32_t prefetch, quota, batch;
    uint32_t evict; /* pages a batch eviction frees at least */
    double warmup;  /* share of the events that is not counted */
};

struct replay_result {
    uint64_t maps, hits, hypercalls, mapped, evictions, inv_descriptors, inv_waits;
    uint32_t resident_peak; /* over the whole run */
    double seconds;         /* of processor time, the whole run */
};

struct replay_result replay_run(const struct replay_config *c);

/* For the offline policies: the map that is being replayed, and where each page is used next. */
struct replay_future {
    const uint32_t *page, *next; /* trace_map_pages, trace_next_uses */
    uint32_t maps;
    uint32_t now;
};
extern struct replay_future replay_future;

#endif

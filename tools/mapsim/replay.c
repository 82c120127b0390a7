/* SPDX-License-Identifier: MIT */
#include "tools/mapsim/replay.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "kernel/dma/dma.h"
#include "tools/mapsim/count_hw.h"
#include "tools/mapsim/offline.h"

#define NATURAL_US 40u

struct replay_future replay_future;

struct replay {
    const struct replay_config *c;
    struct dma_domain *d;
    struct dma_hw *hw;
    uint32_t *words;
    bool sees_hits;
    struct abi_dma_desc burst[ABI_DMA_BURST];
    uint32_t descs;
    uint64_t maps, hits, calls;
};

static uint64_t address(uint32_t page)
{
    return (uint64_t)page * PAGE_SIZE;
}

static void call(struct replay *r)
{
    int error;

    if (r->descs == 0)
        return;
    error = dma_map_burst(r->d, r->burst, r->descs);
    if (error)
        die("%s: %s at a quota of %u pages: a call failed (%d): a defect of the engine",
            r->c->trace->name, r->c->policy->name, r->c->quota, error);
    r->descs = 0;
    r->calls++;
}

/* As guest/dma.c does: neighbours share a descriptor. */
static void add_miss(struct replay *r, uint32_t page)
{
    struct abi_dma_desc *last = r->descs ? &r->burst[r->descs - 1] : NULL;

    if (last && last->page + address(last->pages) == address(page) &&
        last->pages < ABI_DMA_MAX_PAGES) {
        last->pages++;
        return;
    }
    if (r->descs == ABI_DMA_BURST)
        call(r);
    r->burst[r->descs++] = (struct abi_dma_desc){.op = ABI_DMA_OP_MAP,
                                                 .rights = ABI_DMA_RIGHTS,
                                                 .pages = 1,
                                                 .iova = address(page),
                                                 .page = address(page)};
}

static void map_page(struct replay *r, uint32_t page)
{
    uint32_t old = r->words[page];

    r->words[page] = old + ABI_DMA_COUNT;
    r->maps++;
    if ((old & ABI_DMA_RIGHTS) != ABI_DMA_RIGHTS) {
        add_miss(r, page);
        return;
    }
    r->hits++;
    if (r->sees_hits)
        dma_domain_hit(r->d, page);
    else
        r->words[page] |= ABI_DMA_VISITED;
}

static void unmap(struct replay *r, const struct trace_event *e)
{
    for (uint32_t page = e->page; page < (uint32_t)e->page + e->pages; page++) {
        r->words[page] -= ABI_DMA_COUNT;
        if (r->sees_hits && r->words[page] < ABI_DMA_COUNT)
            dma_domain_release(r->d, page);
    }
}

/* The event after e goes into the same call. maps: pages in it so far. */
static bool goes_on(const struct replay *r, const struct trace_event *e, uint32_t maps)
{
    const struct trace_event *next = e + 1;

    if (r->c->batch == BATCH_NONE || next == r->c->trace->event + r->c->trace->events ||
        next->op != 'M' || next->dir != e->dir)
        return false;
    if (r->c->batch == BATCH_NATURAL)
        return next->time_us - e->time_us <= NATURAL_US;
    return maps < r->c->batch;
}

static const struct trace_event *map_burst(struct replay *r, const struct trace_event *e)
{
    uint32_t maps = 0;

    for (;; e++) {
        for (uint32_t i = 0; i < e->pages; i++) {
            replay_future.now++;
            map_page(r, e->page + i);
            maps++;
            if (r->c->batch != BATCH_NATURAL && maps % r->c->batch == 0)
                call(r);
        }
        if (!goes_on(r, e, maps))
            break;
    }
    call(r);
    return e;
}

static void create(struct replay *r)
{
    const struct replay_config *c = r->c;
    uint32_t pages = c->trace->pages > c->quota ? c->trace->pages : c->quota;
    r->sees_hits = c->policy->hit || c->policy->release;
    struct dma_config config = {.strategy = DMA_ON_DEMAND,
                                .policy = c->policy,
                                .flush = DMA_FLUSH_BATCH,
                                .quota = c->quota,
                                .evict_batch = c->evict,
                                .prefetch = c->prefetch,
                                .hits = r->sees_hits ? DMA_HITS_TOLD : DMA_HITS_FREE};

    r->words = must_alloc(pages * sizeof *r->words);
    r->hw = count_hw_new();
    struct dma_space space = {iova(0), hpa(0), pages, r->words, r->hw};
    int error =
        dma_domain_init(must_alloc(dma_domain_bytes(pages, &config)), &config, &space, &r->d);

    if (error)
        die("%s: the engine refuses a quota of %u pages (%d)", c->trace->name, c->quota, error);
}

struct replay_result replay_run(const struct replay_config *c)
{
    struct replay r = {.c = c};
    const struct trace *t = c->trace;
    const struct trace_event *begin = t->event + (size_t)(c->warmup * (double)t->events);
    bool begun = false;
    struct dma_counters at = {0};
    struct dma_hw_stats hw = {0};
    struct replay_result result = {0};

    replay_future = (struct replay_future){.maps = (uint32_t)t->maps, .now = UINT32_MAX};
    if (offline_is(c->policy))
        replay_future.page = trace_map_pages(t), replay_future.next = trace_next_uses(t);
    create(&r);
    clock_t start = clock();

    for (const struct trace_event *e = t->event; e < t->event + t->events; e++) {
        if (e >= begin && !begun) {
            at = *dma_domain_counters(r.d);
            hw = *dma_hw_stats(r.hw);
            result.maps = r.maps, result.hits = r.hits, result.hypercalls = r.calls;
            begun = true;
        }
        if (e->op == 'M')
            e = map_burst(&r, e);
        else
            unmap(&r, e);
    }
    const struct dma_counters *end = dma_domain_counters(r.d);
    const struct dma_hw_stats *end_hw = dma_hw_stats(r.hw);

    return (struct replay_result){
        .maps = r.maps - result.maps,
        .hits = r.hits - result.hits,
        .hypercalls = r.calls - result.hypercalls,
        .mapped = end->misses + end->ahead - at.misses - at.ahead,
        .evictions = end->evictions - at.evictions,
        .inv_descriptors = end_hw->inv_page + end_hw->inv_domain - hw.inv_page - hw.inv_domain,
        .inv_waits = end_hw->inv_wait - hw.inv_wait,
        .resident_peak = end->resident_peak,
        .seconds = (double)(clock() - start) / CLOCKS_PER_SEC,
    };
}

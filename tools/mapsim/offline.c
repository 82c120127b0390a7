/* SPDX-License-Identifier: MIT */
#include "tools/mapsim/offline.h"
#include <stdlib.h>
#include "kernel/dma/word.h"
#include "tools/mapsim/replay.h"

#define UNLIMITED 256u

/* A binary heap of resident pages, the one used again last on top. What is in use and came up is
 * put aside until its release. */
static uint32_t *heap, *place, *next_use;
static uint32_t count;
#define NOWHERE UINT32_MAX

/* Resident pages, and absent ones of the burst in hand. */
static uint32_t mapped, missing;
static uint32_t missed[ABI_DMA_BURST * ABI_DMA_MAX_PAGES];

static void put(uint32_t i, uint32_t page)
{
    heap[i] = page;
    place[page] = i;
}

static void rise(uint32_t i)
{
    uint32_t page = heap[i];

    for (; i > 0 && next_use[heap[(i - 1) / 2]] < next_use[page]; i = (i - 1) / 2)
        put(i, heap[(i - 1) / 2]);
    put(i, page);
}

static void sink(uint32_t i)
{
    uint32_t page = heap[i];

    for (uint32_t child; (child = 2 * i + 1) < count; i = child) {
        if (child + 1 < count && next_use[heap[child + 1]] > next_use[heap[child]])
            child++;
        if (next_use[heap[child]] <= next_use[page])
            break;
        put(i, heap[child]);
    }
    put(i, page);
}

static void take_out(uint32_t page)
{
    uint32_t i = place[page];

    if (i == NOWHERE)
        return;
    place[page] = NOWHERE;
    if (i == --count)
        return;
    put(i, heap[count]);
    sink(i);
    rise(place[heap[i]]);
}

static void put_in(uint32_t page)
{
    take_out(page);
    put(count, page);
    rise(count++);
}

/* The pages of the maps so far, up to the one in hand, have their use behind them. */
static uint32_t seen_up_to;

static void init(struct evict_order *order)
{
    heap = calloc(order->pages, sizeof *heap);
    place = calloc(order->pages, sizeof *place);
    next_use = calloc(order->pages, sizeof *next_use);
    if (!heap || !place || !next_use)
        die("no memory for the future of %u pages", order->pages);
    count = mapped = missing = seen_up_to = 0;
    for (uint32_t page = 0; page < order->pages; page++)
        place[page] = next_use[page] = NOWHERE;
    for (uint32_t i = replay_future.maps; i-- > 0;)
        next_use[replay_future.page[i]] = i;
}

static void catch_up(void)
{
    for (; seen_up_to <= replay_future.now && seen_up_to < replay_future.maps; seen_up_to++) {
        uint32_t page = replay_future.page[seen_up_to];

        next_use[page] = replay_future.next[seen_up_to];
        if (place[page] != NOWHERE)
            put_in(page);
    }
}

static void insert(struct evict_order *order, uint32_t page, bool is_ahead)
{
    (void)order, (void)is_ahead;
    put_in(page);
    mapped++;
}

static void leave(struct evict_order *order, uint32_t page)
{
    (void)order;
    take_out(page);
    mapped--;
}

static void settle(struct evict_order *order)
{
    while (missing > 0)
        order->records[missed[--missing]].uses = 0;
}

static void hit(struct evict_order *order, uint32_t page)
{
    (void)order, (void)page;
    catch_up();
}

static void miss(struct evict_order *order, uint32_t page)
{
    catch_up();
    if (!order->records[page].uses)
        missed[missing++] = page;
    order->records[page].uses = 1;
}

static void release(struct evict_order *order, uint32_t page)
{
    (void)order;
    catch_up();
    put_in(page);
}

static uint32_t candidate(struct evict_order *order, struct evict_scan *scan)
{
    (void)order, (void)scan;
    return count ? heap[0] : PAGE_NONE;
}

static void busy(struct evict_order *order, uint32_t page)
{
    (void)order;
    take_out(page);
}

static void recheck(struct evict_order *order, uint32_t looks)
{
    /* Releases are seen. */
    (void)order, (void)looks;
}

static int farthest_first(const void *a, const void *b)
{
    uint32_t x = next_use[*(const uint32_t *)a], y = next_use[*(const uint32_t *)b];

    return x < y ? 1 : x > y ? -1 : 0;
}

/* Idle resident pages, the one used again last first. */
static uint32_t victims(const struct evict_order *order, uint32_t *page)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < count; i++)
        if (!order->records[heap[i]].wanted && word_is_idle(&order->words[heap[i]]))
            page[n++] = heap[i];
    qsort(page, n, sizeof *page, farthest_first);
    return n;
}

static bool is_new(const struct evict_order *order, const uint32_t *pages, uint32_t n,
                   uint32_t page)
{
    if (order->records[page].rights || order->records[page].wanted)
        return false;
    while (n-- > 0)
        if (pages[n] == page)
            return false;
    return true;
}

static uint32_t look_ahead(struct evict_order *order, uint32_t *pages, uint32_t max)
{
    uint32_t *victim = malloc((count + 1) * sizeof *victim), gone = 0, n = 0;
    uint32_t idle = victims(order, victim), needed = mapped + missing;

    if (needed > order->quota)
        gone = needed - order->quota;
    for (uint32_t i = replay_future.now + 1; i < replay_future.maps && n < max; i++) {
        uint32_t page = replay_future.page[i];

        if (!is_new(order, pages, n, page))
            continue;
        if (needed + n >= order->quota) {
            if (gone >= idle || next_use[victim[gone]] <= i)
                break;
            gone++;
        }
        pages[n++] = page;
    }
    free(victim);
    return n;
}

static uint32_t opt_ahead(struct evict_order *order, uint32_t *pages, uint32_t max)
{
    uint32_t depth = order->follower.depth;

    return depth ? look_ahead(order, pages, depth < max ? depth : max) : 0;
}

static uint32_t batch_ahead(struct evict_order *order, uint32_t *pages, uint32_t max)
{
    return look_ahead(order, pages, max < UNLIMITED ? max : UNLIMITED);
}

static bool is_valid(const struct evict_order *order, uint32_t resident)
{
    (void)order, (void)resident;
    return true;
}

#define OFFLINE(its_name, its_ahead)                                                               \
    {                                                                                              \
        .name = its_name, .evict_batch = 1, .init = init, .miss = miss, .ahead = its_ahead,        \
        .insert = insert, .settle = settle, .remove = leave, .candidate = candidate, .busy = busy, \
        .recheck = recheck, .hit = hit, .release = release, .is_valid = is_valid                   \
    }

const struct evict_policy offline_opt = OFFLINE("opt", opt_ahead);
const struct evict_policy offline_opt_batch = OFFLINE("opt-batch", batch_ahead);

bool offline_is(const struct evict_policy *policy)
{
    return policy == &offline_opt || policy == &offline_opt_batch;
}

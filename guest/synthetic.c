/* SPDX-License-Identifier: MIT */
#include "guest/synthetic.h"

#include <errno.h>
#include <stdbool.h>
#include "guest/args.h"
#include "guest/clock.h"
#include "guest/console.h"
#include "guest/dma.h"
#include "guest/heap.h"
#include "guest/hyper.h"
#include "guest/window.h"

#define DEPTH_MAX 4096u

struct live {
    uint64_t at;
    uint32_t buffer;
};

static struct {
    const struct synthetic *kernel;
    uint8_t *area;
    uint32_t pages, depth, burst;
    struct live live[DEPTH_MAX]; /* with the device, oldest at head; running counts */
    uint32_t head, tail;
} state;

static uint32_t size(const char *key, uint32_t otherwise, uint32_t high)
{
    uint64_t value = args_number(key, otherwise);

    if (value == 0 || value > high)
        fail("%s: %s=%zu: 1 to %u", state.kernel->workload, key, (size_t)value, high);
    return (uint32_t)value;
}

static struct live *live_at(uint32_t position)
{
    return &state.live[position % DEPTH_MAX];
}

/* The oldest takes the place of the one that is done. */
static void complete_one(void)
{
    const struct synthetic *s = state.kernel;
    struct live *done = live_at(state.head + (s->done ? s->done(state.tail - state.head) : 0));
    struct live one = *done;

    *done = *live_at(state.head++);
    dma_unmap(one.at);
    if (s->give)
        s->give(one.buffer);
}

static uint64_t address_of(uint32_t buffer)
{
    return (uintptr_t)state.area + (uint64_t)buffer * (PAGE_BYTES / state.kernel->buffers_a_page);
}

/* False when the quota refused, which what the device has may be the reason for. */
static bool try_to_map(uint32_t n)
{
    struct dma_burst b;
    int error;

    dma_burst_begin(&b);
    for (uint32_t i = 0; i < n; i++) {
        struct live *one = live_at(state.tail + i);

        one->at = dma_burst_map(&b, address_of(one->buffer), state.kernel->rights);
    }
    error = dma_burst_commit(&b);
    if (error && error != -ENOSPC)
        fail("%s: the hypervisor refused a burst of %u: error %d", state.kernel->workload, n,
             -error);
    return !error;
}

static void map(uint32_t n)
{
    uint32_t refused = 0;

    while (state.tail - state.head > state.depth - n)
        complete_one();
    for (uint32_t i = 0; i < n; i++)
        live_at(state.tail + i)->buffer = state.kernel->take();
    while (!try_to_map(n)) {
        if (refused++ > state.depth)
            fail("%s: there is no room for %u pages, and no others are in use",
                 state.kernel->workload, n);
        if (state.head != state.tail)
            complete_one();
    }
    state.tail += n;
    hyper_heartbeat();
}

static void map_all(uint64_t maps)
{
    while (maps) {
        uint32_t n = maps < state.burst ? (uint32_t)maps : state.burst;

        map(n);
        maps -= n;
    }
}

static void setup(const struct synthetic *s)
{
    state.kernel = s;
    state.pages = size("pages", 2000, 1u << 24);
    state.depth = size("depth", 192, DEPTH_MAX);
    state.burst = size("burst", 32, DMA_BURST_PAGES);
    if (state.burst > state.depth)
        fail("%s: burst=%u: no more than depth=%u are with the device at once", s->workload,
             state.burst, state.depth);
    if (state.pages < state.depth)
        fail("%s: depth=%u: pages=%u are fewer", s->workload, state.depth, state.pages);
    state.area = heap_pages(state.pages);
    if (s->start)
        s->start(state.pages * s->buffers_a_page);
}

int synthetic_run(const struct synthetic *s)
{
    uint64_t maps = args_number("maps", 200000), begin;

    setup(s);
    dma_start(state.depth);
    dma_pretouch(state.area, state.pages, s->rights);
    map_all(state.pages * s->buffers_a_page);
    window_begin();
    begin = clock_tsc();
    map_all(maps);
    window_count(maps, clock_tsc() - begin);
    window_figure("pages", state.pages);
    window_figure("depth", state.depth);
    window_figure("burst", state.burst);
    window_end(s->workload, 0);
    while (state.head != state.tail)
        complete_one();
    dma_flush();
    return 0;
}

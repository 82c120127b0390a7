/* SPDX-License-Identifier: MIT */
#include "lib/dma_trace.h"
#include <string.h>

static size_t put_number(uint8_t *to, uint64_t value)
{
    size_t n = 0;

    for (; value >= 0x80; value >>= 7)
        to[n++] = (uint8_t)(value | 0x80);
    to[n++] = (uint8_t)value;
    return n;
}

void dma_trace_put_header(uint8_t to[DMA_TRACE_HEADER_BYTES], uint64_t events, uint64_t base,
                          uint64_t pages)
{
    const uint64_t fields[] = {events, base, pages};

    memcpy(to, DMA_TRACE_MAGIC, 8);
    memcpy(to + 8, fields, sizeof fields);
}

size_t dma_trace_put(struct dma_trace_coder *c, const struct dma_trace_event *event,
                     uint8_t to[DMA_TRACE_EVENT_BYTES])
{
    uint64_t later = event->time_us > c->time_us ? event->time_us - c->time_us : 0;
    int64_t step = (int64_t)event->page - c->page;
    size_t n;

    n = put_number(to, later << 1 | event->unmaps);
    n += put_number(to + n, (uint64_t)step << 1 ^ (step < 0 ? UINT64_MAX : 0));
    n += put_number(to + n, (uint64_t)event->pages << 3 | event->direction);
    c->time_us += later;
    c->page = event->page;
    return n;
}

size_t dma_trace_ring_bytes(uint64_t events, uint64_t pages)
{
    return sizeof(struct abi_trace) + events * sizeof(struct abi_trace_event) +
           pages * sizeof(uint32_t);
}

static const uint32_t *held_of(const struct abi_trace *ring)
{
    return (const uint32_t *)(ring->event + ring->events);
}

static struct abi_trace_event event_of(const struct abi_trace *ring, uint64_t i)
{
    return ring->event[i % ring->events];
}

static uint64_t events_held(const struct dma_trace_reader *r)
{
    uint64_t held = 0;

    for (uint64_t page = 0; page < r->pages; page++)
        held += held_of(r->ring)[page];
    return held;
}

/* A page cannot have more live mappings than the shared table counts. */
#define HELD_MAX 0xffffffu

bool dma_trace_is_sound(const struct abi_trace *ring, uint64_t events, uint64_t pages)
{
    if (ring->events != events || ring->next < ring->first || ring->next - ring->first > events)
        return false;
    for (uint64_t i = ring->first; i < ring->next; i++)
        if ((event_of(ring, i).what & ABI_TRACE_PAGE) >= pages)
            return false;
    for (uint64_t page = 0; page < pages; page++)
        if (held_of(ring)[page] > HELD_MAX)
            return false;
    return true;
}

struct dma_trace_reader dma_trace_read(const struct abi_trace *ring, uint64_t base, uint64_t pages)
{
    return (struct dma_trace_reader){
        .ring = ring, .base = base, .pages = pages, .next = ring->first};
}

/* A mapping that is older than the ring's events. */
static bool next_held(struct dma_trace_reader *r, struct dma_trace_event *event)
{
    const uint32_t *held = held_of(r->ring);

    while (r->page < r->pages && r->held == held[r->page]) {
        r->page++;
        r->held = 0;
    }
    if (r->page == r->pages)
        return false;
    r->held++;
    *event = (struct dma_trace_event){.page = r->page, .pages = 1, .direction = 4};
    return true;
}

static uint32_t direction_of(uint32_t what)
{
    static const uint8_t direction[] = {
        [0] = 4, [ABI_DMA_WRITE] = 0, [ABI_DMA_READ] = 1, [ABI_DMA_RIGHTS] = 3};

    return direction[what >> ABI_TRACE_RIGHTS_SHIFT & ABI_DMA_RIGHTS];
}

static bool next_event(struct dma_trace_reader *r, struct dma_trace_event *event)
{
    if (next_held(r, event))
        return true;
    if (r->next == r->ring->next)
        return false;
    struct abi_trace_event e = event_of(r->ring, r->next);

    if (r->next > r->ring->first) /* differences, as times wrap */
        r->time_us += e.time_us - event_of(r->ring, r->next - 1).time_us;
    r->next++;
    *event = (struct dma_trace_event){.time_us = r->time_us,
                                      .page = e.what & ABI_TRACE_PAGE,
                                      .pages = 1,
                                      .direction = direction_of(e.what),
                                      .unmaps = e.what & ABI_TRACE_UNMAP};
    return true;
}

size_t dma_trace_more(struct dma_trace_reader *r, uint8_t *to, size_t room)
{
    struct dma_trace_event event;
    size_t n = 0;

    if (!r->begun) {
        dma_trace_put_header(to, events_held(r) + (r->ring->next - r->ring->first), r->base,
                             r->pages);
        r->begun = true;
        n = DMA_TRACE_HEADER_BYTES;
    }
    while (room - n >= DMA_TRACE_EVENT_BYTES && next_event(r, &event))
        n += dma_trace_put(&r->coder, &event, to + n);
    return n;
}

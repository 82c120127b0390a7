/* SPDX-License-Identifier: MIT */
#include "guest/trace.h"

#include <stddef.h>
#include "guest/clock.h"
#include "guest/hyper.h"

static struct abi_trace *ring;
static uint32_t *held;
static uint64_t mark;

void trace_start(void)
{
    ring = (struct abi_trace *)boot->trace;
    if (ring)
        held = (uint32_t *)(ring->event + ring->events);
}

const struct abi_trace *trace_stop(void)
{
    const struct abi_trace *stopped = ring;

    ring = NULL;
    return stopped;
}

bool trace_is_on(void)
{
    return ring != NULL;
}

static struct abi_trace_event *event_at(uint64_t i)
{
    return &ring->event[i % ring->events];
}

/* The oldest event makes room. */
static void leave_behind(void)
{
    uint32_t what = event_at(ring->first++)->what;

    if (what & ABI_TRACE_UNMAP)
        held[what & ABI_TRACE_PAGE]--;
    else
        held[what & ABI_TRACE_PAGE]++;
}

static void record(uint64_t address, uint32_t what)
{
    uint64_t page = (address - boot->ram_base) >> 12;

    if (!ring)
        return;
    if (ring->next - ring->first == ring->events)
        leave_behind();
    *event_at(ring->next++) =
        (struct abi_trace_event){.time_us = (uint32_t)(clock_tsc() / (boot->tsc_hz / 1000000)),
                                 .what = what | (uint32_t)page};
}

void trace_map(uint64_t address, uint32_t rights)
{
    record(address, rights << ABI_TRACE_RIGHTS_SHIFT);
}

void trace_unmap(uint64_t address)
{
    record(address, ABI_TRACE_UNMAP);
}

void trace_mark(void)
{
    if (ring)
        mark = ring->next;
}

void trace_forget(void)
{
    if (ring)
        ring->next = mark;
}

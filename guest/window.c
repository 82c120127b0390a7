/* SPDX-License-Identifier: MIT */
#include "guest/window.h"

#include <string.h>
#include "guest/console.h"
#include "guest/dma.h"
#include "guest/hyper.h"
#include "guest/nic.h"
#include "guest/poll.h"

struct totals {
    uint64_t packets, maps, misses, busy_tsc;
};

static struct totals at_begin;
static bool open;

static struct totals now(void)
{
    return (struct totals){
        .packets = nic_counters.tx_packets + nic_counters.rx_packets,
        .maps = dma_counters.maps,
        .misses = dma_counters.misses,
        .busy_tsc = poll_busy_tsc(),
    };
}

void window_begin(void)
{
    int64_t error;

    dma_touched_reset();
    error = hyper_call(ABI_WINDOW_BEGIN, 0, 0);
    if (error)
        fail("the hypervisor refused to begin a window: error %d", (int)-error);
    at_begin = now();
    open = true;
}

bool window_is_open(void)
{
    return open;
}

void window_end(const char *workload, uint64_t bytes)
{
    struct abi_window w = {.bytes = bytes};
    size_t length = strlen(workload);
    struct totals end;
    int64_t error;

    /* A received frame's map comes back only when its buffer is posted again, a burst at a time:
     * settle that debt, so that a packet never counts without its map. */
    nic_rx_fill();
    end = now();
    memcpy(w.workload, workload, length < sizeof(w.workload) ? length : sizeof(w.workload) - 1);
    w.packets = end.packets - at_begin.packets;
    w.maps = end.maps - at_begin.maps;
    w.misses = end.misses - at_begin.misses;
    w.busy_tsc = end.busy_tsc - at_begin.busy_tsc;
    w.pages_touched = dma_touched_pages();
    error = hyper_call(ABI_WINDOW_END, (uintptr_t)&w, 0);
    if (error)
        fail("the hypervisor refused to end the window: error %d", (int)-error);
    open = false;
}

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
static struct totals counted; /* beside what the network counts */
static struct abi_window record;
static bool open;

static struct totals now(void)
{
    return (struct totals){
        .packets = nic_counters.tx_packets + nic_counters.rx_packets + counted.packets,
        .maps = dma_counters.maps,
        .misses = dma_counters.misses,
        .busy_tsc = poll_busy_tsc() + counted.busy_tsc,
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

/* Cut to size; what follows it is 0 already. */
static void name(char *to, size_t size, const char *text)
{
    size_t length = strlen(text);

    memcpy(to, text, length < size ? length : size - 1);
}

void window_figure(const char *key, uint64_t value)
{
    for (struct abi_figure *f = record.figure; f < record.figure + ABI_FIGURES; f++) {
        if (f->key[0])
            continue;
        name(f->key, sizeof(f->key), key);
        f->value = value;
        return;
    }
    fail("no room for %s: a record has %u figures", key, ABI_FIGURES);
}

void window_count(uint64_t packets, uint64_t busy_tsc)
{
    counted.packets += packets;
    counted.busy_tsc += busy_tsc;
}

void window_end(const char *workload, uint64_t bytes)
{
    struct totals end;
    int64_t error;

    /* A received frame's map comes back only when its buffer is posted again, a burst at a time:
     * settle that debt, so that a packet never counts without its map. */
    nic_rx_fill();
    end = now();
    name(record.workload, sizeof(record.workload), workload);
    record.bytes = bytes;
    record.packets = end.packets - at_begin.packets;
    record.maps = end.maps - at_begin.maps;
    record.misses = end.misses - at_begin.misses;
    record.busy_tsc = end.busy_tsc - at_begin.busy_tsc;
    record.pages_touched = dma_touched_pages();
    error = hyper_call(ABI_WINDOW_END, (uintptr_t)&record, 0);
    if (error)
        fail("the hypervisor refused to end the window: error %d", (int)-error);
    record = (struct abi_window){0};
    open = false;
}

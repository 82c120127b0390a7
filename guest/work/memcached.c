/* SPDX-License-Identifier: MIT */
/*
 * memcached's text protocol on port 11211: memcaslap loads the store= (16M) bytes for load= (5)
 * seconds on concurrency= (8) connections, nine gets for a set; other clients then check answers,
 * and what no polite client sends.
 */
#include <stdbool.h>
#include <stdint.h>
#include "guest/args.h"
#include "guest/console.h"
#include "guest/heap.h"
#include "guest/memcache_server.h"
#include "guest/memcache_session.h"
#include "guest/net.h"
#include "guest/nic.h"
#include "guest/peer.h"
#include "guest/window.h"
#include "guest/workload.h"
#include "kernel/abi.h"

#define WARM_FRAMES 32u
#define STORE_MAX   (1u << 30)

static struct {
    uint64_t bytes_before, commands_before; /* the window */
    uint64_t warm_at;                       /* received frames */
    bool loading;
} state;

static uint64_t commands(void)
{
    return memcache_commands.gets + memcache_commands.sets + memcache_commands.others;
}

static void progress(void)
{
    if (!state.loading || window_is_open() || nic_counters.rx_packets < state.warm_at)
        return;
    state.bytes_before = memcache_bytes_sent;
    state.commands_before = commands();
    window_begin();
}

static void make_store(uint64_t bytes)
{
    if (bytes < MEMCACHE_STORE_MIN || bytes > STORE_MAX)
        fail("memcached: store=%zu: 2M to 1G", (size_t)bytes);
    memcache_store_init(heap_pages(pages_of(bytes)), bytes);
}

static void load(uint64_t seconds, uint64_t concurrency)
{
    /* Seconds may be over before traffic has gone round the pool. */
    nic_rx_pretouch(ABI_DMA_WRITE);
    peer_start("memcached_load port=%u load=%zu concurrency=%zu", MEMCACHE_PORT, (size_t)seconds,
               (size_t)concurrency);
    state.warm_at = nic_counters.rx_packets + WARM_FRAMES;
    state.loading = true;
    peer_wait();
    state.loading = false;
    if (window_is_open()) {
        window_figure("requests", commands() - state.commands_before);
        window_figure("connections", concurrency);
        window_figure("items", memcache_counters.items);
        window_end("memcached", memcache_bytes_sent - state.bytes_before);
    } else {
        say("memcached: nothing measured: the load ends before receiving is warm");
    }
    peer_finish();
}

static int run(void)
{
    uint64_t seconds = args_number("load", 5), concurrency = args_number("concurrency", 8);

    if (seconds == 0 || seconds > 3600)
        fail("memcached: load=%zu: 1 to 3600 seconds", (size_t)seconds);
    if (concurrency == 0 || concurrency > MEMCACHE_CONNECTIONS - 8)
        fail("memcached: concurrency=%zu: 1 to %u", (size_t)concurrency, MEMCACHE_CONNECTIONS - 8);
    net_start();
    make_store(args_number("store", 16u << 20));
    memcache_serve(progress);
    peer_connect();
    load(seconds, concurrency);
    peer_start("memcached_check port=%u", MEMCACHE_PORT);
    peer_finish();
    peer_close();
    say("memcached: %zu gets, %zu of them found, %zu sets, %zu errors",
        (size_t)memcache_commands.gets, (size_t)memcache_commands.hits,
        (size_t)memcache_commands.sets, (size_t)memcache_commands.errors);
    return 0;
}

const struct workload memcached = {"memcached", run};

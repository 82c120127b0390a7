/* SPDX-License-Identifier: MIT */
#include "guest/web_load.h"

#include <stdbool.h>
#include <string.h>
#include "guest/args.h"
#include "guest/console.h"
#include "guest/http_server.h"
#include "guest/nic.h"
#include "guest/peer.h"
#include "guest/poll.h"
#include "guest/window.h"
#include "kernel/abi.h"

#define WARM_LAPS       2u
#define WARM_REQUESTS   16u
#define CONCURRENCY_MAX 256u

static struct {
    struct http_counters before_window;
    uint64_t requests; /* the window ends after these */
    uint64_t warm_at;  /* received frames */
    uint64_t warm_requests;
    bool running;
} state;

void web_load_progress(void)
{
    if (state.running && !window_is_open() && nic_counters.rx_packets >= state.warm_at &&
        http_counters.requests >= state.warm_requests && http_counters.requests < state.requests) {
        state.before_window = http_counters;
        window_begin();
    }
}

static bool is_served(void *unused)
{
    return http_counters.requests >= state.requests || peer_is_done(unused);
}

static void end_window(const struct web_load *l, bool by_wrk)
{
    static const char *const latencies[] = {"p50_us", "p90_us", "p99_us", "p999_us", "max_us"};

    window_figure("requests", http_counters.requests - state.before_window.requests);
    window_figure("connections", l->concurrency);
    if (l->range)
        window_figure("range", l->range);
    for (unsigned i = 0; by_wrk && i < sizeof(latencies) / sizeof(latencies[0]); i++)
        window_figure(latencies[i], peer_number(latencies[i]));
    window_end(l->workload, http_counters.bytes - state.before_window.bytes);
}

static void start_ab(const struct web_load *l)
{
    state.requests = args_number("requests", 5000);
    state.warm_at = nic_counters.rx_packets + WARM_LAPS * NIC_RX_BUFFERS;
    peer_start("http port=%u requests=%zu concurrency=%zu path=%s", HTTP_PORT,
               (size_t)state.requests, (size_t)l->concurrency, l->path);
}

static void start_wrk(const struct web_load *l)
{
    uint64_t seconds = args_number("load", 5);

    if (seconds == 0 || seconds > 3600)
        fail("%s: load=%zu: 1 to 3600 seconds", l->workload, (size_t)seconds);
    state.requests = UINT64_MAX;
    /* Seconds may be over before traffic has gone round the pool. */
    nic_rx_pretouch(ABI_DMA_WRITE);
    state.warm_requests = WARM_REQUESTS;
    peer_start("http_wrk port=%u concurrency=%zu path=%s load=%zu range=%zu file=%zu", HTTP_PORT,
               (size_t)l->concurrency, l->path, (size_t)seconds, (size_t)l->range, (size_t)l->file);
}

void web_load(const struct web_load *l)
{
    bool by_wrk = strcmp(l->by, "wrk") == 0;

    if (!by_wrk && strcmp(l->by, "ab") != 0)
        fail("%s: by=%s: known: ab wrk", l->workload, l->by);
    if (!by_wrk && l->range)
        fail("%s: by=ab: it can't ask for random pieces of %s; by=wrk can", l->workload, l->path);
    if (l->concurrency == 0 || l->concurrency > CONCURRENCY_MAX)
        fail("%s: concurrency=%zu: 1 to %u", l->workload, (size_t)l->concurrency, CONCURRENCY_MAX);
    state.running = true;
    (by_wrk ? start_wrk : start_ab)(l);
    poll_until(is_served, NULL, "the peer's requests");
    state.running = false;
    if (by_wrk)
        peer_wait();
    if (window_is_open())
        end_window(l, by_wrk);
    else
        say("%s: nothing measured: the requests end before receiving is warm", l->workload);
    peer_finish();
}

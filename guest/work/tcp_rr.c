/* SPDX-License-Identifier: MIT */
/* Requests and answers of a few bytes on many connections at once: wrk asks for load= (5) seconds
 * on concurrency= (64) of them, each with one request under way, and tells the latencies. */
#include <stdint.h>
#include "guest/args.h"
#include "guest/http_server.h"
#include "guest/net.h"
#include "guest/peer.h"
#include "guest/web_load.h"
#include "guest/workload.h"

static int run(void)
{
    static const struct http_page page = {"/1", "text/plain", 1, "1", NULL};
    struct web_load load = {.workload = "tcp_rr", .path = "/1", .by = "wrk"};

    load.concurrency = args_number("concurrency", 64);
    net_start();
    http_serve(&page, 1, web_load_progress);
    peer_connect();
    web_load(&load);
    peer_close();
    return 0;
}

const struct workload tcp_rr = {"tcp_rr", run};

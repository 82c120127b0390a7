/* SPDX-License-Identifier: MIT */
/* No traffic: lives for ms= (1000) milliseconds and sleeps most of it. idle has no device; idle_net
 * has its network up, and polls or sleeps as irq= says. */
#include "guest/args.h"
#include "guest/clock.h"
#include "guest/console.h"
#include "guest/net.h"
#include "guest/poll.h"
#include "guest/window.h"
#include "guest/workload.h"

#define NAP_MS 10u

static uint64_t end;

static void set_end(void)
{
    end = clock_tsc() + clock_ms_to_tsc(args_number("ms", 1000));
}

static bool is_over(void *unused)
{
    (void)unused;
    return clock_tsc() >= end;
}

static int run(void)
{
    set_end();
    window_begin();
    while (!is_over(NULL)) {
        hyper_heartbeat();
        int64_t error = hyper_call(ABI_WAIT_UNTIL, clock_tsc() + clock_ms_to_tsc(NAP_MS), 0);
        if (error)
            fail("idle: the hypervisor does not let us wait: error %d", (int)-error);
    }
    window_end("idle", 0);
    return 0;
}

static int run_net(void)
{
    net_start();
    set_end();
    window_begin();
    poll_until(is_over, NULL, "ms= to be over");
    window_end("idle_net", 0);
    return 0;
}

const struct workload idle = {"idle", run};
const struct workload idle_net = {"idle_net", run_net};

/* SPDX-License-Identifier: MIT */
/* No device, no traffic: lives for ms= (1000) milliseconds and sleeps most of it. */
#include "guest/args.h"
#include "guest/clock.h"
#include "guest/console.h"
#include "guest/window.h"
#include "guest/workload.h"

#define NAP_MS 10u

static int run(void)
{
    uint64_t end = clock_tsc() + clock_ms_to_tsc(args_number("ms", 1000));

    window_begin();
    while (clock_tsc() < end) {
        hyper_heartbeat();
        int64_t error = hyper_call(ABI_WAIT_UNTIL, clock_tsc() + clock_ms_to_tsc(NAP_MS), 0);
        if (error)
            fail("idle: the hypervisor does not let us wait: error %d", (int)-error);
    }
    window_end("idle", 0);
    return 0;
}

const struct workload idle = {"idle", run};

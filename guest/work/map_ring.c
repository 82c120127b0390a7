/* SPDX-License-Identifier: MIT */
/* A receive ring whose buffers are pages= pages, used in turn: each comes again when all others
 * have been used. No order is harder for a policy that keeps what was used last. */
#include "guest/synthetic.h"
#include "guest/workload.h"
#include "kernel/abi.h"

static uint32_t buffers, next;

static void start(uint32_t n)
{
    buffers = n;
}

static uint32_t take(void)
{
    uint32_t buffer = next;

    next = next + 1 == buffers ? 0 : next + 1;
    return buffer;
}

static int run(void)
{
    static const struct synthetic kernel = {
        .workload = "map_ring",
        .rights = ABI_DMA_WRITE,
        .buffers_a_page = 1,
        .start = start,
        .take = take,
    };

    return synthetic_run(&kernel);
}

const struct workload map_ring = {"map_ring", run};

/* SPDX-License-Identifier: MIT */
/* Pages of files on their way out, each from anywhere: hot= (90) of 100 come from a tenth of the
 * pages, which lie far apart; hot=0 makes all alike. */
#include "guest/args.h"
#include "guest/console.h"
#include "guest/random.h"
#include "guest/synthetic.h"
#include "guest/workload.h"
#include "kernel/abi.h"

#define APART 10u /* every tenth page is a hot one */

static uint32_t buffers, hot;

static void start(uint32_t n)
{
    uint64_t share = args_number("hot", 90);

    if (share > 100)
        fail("map_scatter: hot=%zu: of 100", (size_t)share);
    hot = (uint32_t)share;
    buffers = n;
}

static uint32_t take(void)
{
    uint32_t page = random_next() % buffers;

    return random_next() % 100 < hot ? page - page % APART : page;
}

static int run(void)
{
    static const struct synthetic kernel = {
        .workload = "map_scatter",
        .rights = ABI_DMA_READ,
        .buffers_a_page = 1,
        .start = start,
        .take = take,
    };

    return synthetic_run(&kernel);
}

const struct workload map_scatter = {"map_scatter", run};

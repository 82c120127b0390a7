/* SPDX-License-Identifier: MIT */
/* Lives of a domain, every choice in them a fuzzer's: calls, hostile words and descriptors, table
 * pages that run out, a queue that dies, another CPU and the device in the middle of calls. */
#include <stdio.h>
#include <stdlib.h>
#include "tests/host/dma_sim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct draw source = draw_bytes(data, size);
    struct sim_config config = sim_draw_config(&source);
    static struct sim sim;

    sim_start(&sim, &config, &source);
    while (!draw_is_over(&source) && sim_step(&sim))
        ;
    if (sim.failure[0])
        fake_dma_print(sim.hw, 24);
    if (!sim_finish(&sim)) {
        fprintf(stderr, "%s\n", sim.failure);
        abort();
    }
    return 0;
}

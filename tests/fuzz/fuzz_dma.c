/* SPDX-License-Identifier: MIT */
/* Lives of a domain, every choice in them a fuzzer's: calls, hostile words and descriptors, table
 * pages that run out, a queue that dies, another CPU and the device in the middle of calls. The
 * first choice is whether the guest names its IOVAs. */
#include <stdio.h>
#include <stdlib.h>
#include "tests/host/dma_sim.h"
#include "tests/host/window_life.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void live_by_table(struct draw *source)
{
    struct sim_config config = sim_draw_config(source);
    static struct sim sim;

    sim_start(&sim, &config, source);
    while (!draw_is_over(source) && sim_step(&sim))
        ;
    if (sim.failure[0])
        fake_dma_print(sim.hw, 24);
    if (!sim_finish(&sim)) {
        fprintf(stderr, "%s\n", sim.failure);
        abort();
    }
}

static void live_by_window(struct draw *source)
{
    struct window_config config = window_draw_config(source);
    static struct window_life life;

    window_start(&life, &config, source);
    while (!draw_is_over(source) && window_step(&life))
        ;
    if (life.failure[0])
        fake_dma_print(life.hw, 24);
    if (!window_finish(&life)) {
        fprintf(stderr, "%s\n", life.failure);
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct draw source = draw_bytes(data, size);

    if (draw(&source, 2))
        live_by_window(&source);
    else
        live_by_table(&source);
    return 0;
}

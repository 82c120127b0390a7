/* SPDX-License-Identifier: MIT */
/* Random lives of a domain. SLUICE_SEED=N begins at another seed; a failure names its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "tests/host/dma_sim.h"

#define LIVES 4000u
#define STEPS 150u

struct seen {
    uint64_t misses, evictions, no_space, lost_tables, dead, waits;
};

static void live(uint64_t seed, struct seen *seen)
{
    struct draw source = draw_seed(seed);
    struct sim_config config = sim_draw_config(&source);
    static struct sim sim;

    sim_start(&sim, &config, &source);
    for (uint32_t i = 0; i < STEPS; i++)
        if (!sim_step(&sim))
            break;
    const struct dma_counters *c = dma_domain_counters(sim.domain);
    seen->misses += c->misses;
    seen->evictions += c->evictions;
    seen->no_space += c->no_space;
    seen->lost_tables += sim.lost_tables;
    seen->dead += sim.dead;
    seen->waits += sim.hw->stats.inv_wait;
    if (sim.failure[0])
        fake_dma_print(sim.hw, 24);
    if (!sim_finish(&sim))
        fail_msg("SLUICE_SEED=%llu: %s", (unsigned long long)seed, sim.failure);
}

static void random_lives(void **state)
{
    const char *from = getenv("SLUICE_SEED");
    uint64_t first = from ? strtoull(from, NULL, 0) : 1;
    struct seen seen = {0};

    (void)state;
    for (uint64_t seed = first; seed < first + LIVES; seed++)
        live(seed, &seen);
    print_message("%llu misses, %llu evictions, %llu waits, %llu times -ENOSPC, %llu times "
                  "-ENOMEM, %llu dead\n",
                  (unsigned long long)seen.misses, (unsigned long long)seen.evictions,
                  (unsigned long long)seen.waits, (unsigned long long)seen.no_space,
                  (unsigned long long)seen.lost_tables, (unsigned long long)seen.dead);
    /* A generator that never gets there proves nothing. */
    assert_true(seen.misses > LIVES && seen.evictions > LIVES && seen.waits > LIVES);
    assert_true(seen.no_space > LIVES && seen.lost_tables > LIVES / 20 && seen.dead > LIVES / 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_lives)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Random lives of spaces, of each allocator. SLUICE_SEED=N begins at another seed; a failure names
 * its own. */
#include "tests/host/unit.h"
#include <stdlib.h>
#include "tests/host/iova_life.h"

#define LIVES 400u
#define STEPS 1500u

struct seen {
    uint64_t allocs, no_space, wrong_frees, refusals;
};

static void live(const struct iova_allocator *allocator, uint64_t seed, struct seen *seen)
{
    struct draw source = draw_seed(seed);
    static struct iova_life life;

    iova_life_start(&life, allocator, &source);
    for (uint32_t i = 0; i < STEPS; i++)
        if (!iova_life_step(&life))
            break;
    seen->allocs += life.allocs;
    seen->no_space += life.no_space;
    seen->wrong_frees += life.wrong_frees;
    seen->refusals += life.refusals;
    if (!iova_life_finish(&life))
        fail_msg("SLUICE_SEED=%llu: %s", (unsigned long long)seed, life.failure);
}

static void random_lives(void **state)
{
    const struct iova_allocator *allocator = iova_find(*state);
    const char *from = getenv("SLUICE_SEED");
    uint64_t first = from ? strtoull(from, NULL, 0) : 1;
    bool is_identity = allocator == &iova_identity;
    struct seen seen = {0};

    for (uint64_t seed = first; seed < first + LIVES; seed++)
        live(allocator, seed, &seen);
    print_message("%s: %llu ranges, %llu times -ENOSPC, %llu wrong frees, %llu times no lock\n",
                  allocator->name, (unsigned long long)seen.allocs,
                  (unsigned long long)seen.no_space, (unsigned long long)seen.wrong_frees,
                  (unsigned long long)seen.refusals);
    /* A generator that never gets there proves nothing. */
    assert_true(seen.allocs > 50 * LIVES && seen.wrong_frees > 10 * LIVES);
    assert_true(is_identity || seen.no_space > 10 * LIVES);
    assert_true(is_identity || allocator == &iova_sizeclass || seen.refusals > LIVES / 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(random_lives, (void *)"identity"),
        cmocka_unit_test_prestate(random_lives, (void *)"rbtree"),
        cmocka_unit_test_prestate(random_lives, (void *)"eiovar"),
        cmocka_unit_test_prestate(random_lives, (void *)"magazine"),
        cmocka_unit_test_prestate(random_lives, (void *)"sizeclass"),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

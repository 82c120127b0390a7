/* SPDX-License-Identifier: MIT */
/*
 * The one place where two CPUs meet: a guest takes references while the engine takes pages away.
 * Real threads on real words. A hit must be good until its reference is given back.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "kernel/dma/word.h"

#define WORDS  2u             /* few: they must collide */
#define ENOUGH 100000u        /* of everything that can happen */
#define ROUNDS 20000000000ull /* at most */

static uint32_t words[WORDS];
static bool stop;

struct guest {
    uint64_t hits, misses, broken;
};

static bool seen(const struct guest *g)
{
    return __atomic_load_n(&g->hits, __ATOMIC_RELAXED) > ENOUGH &&
           __atomic_load_n(&g->misses, __ATOMIC_RELAXED) > ENOUGH / 10;
}

static void *guest(void *argument)
{
    struct guest *g = argument;

    for (uint32_t i = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); i++) {
        uint32_t *word = &words[i % WORDS];

        if (__atomic_fetch_add(word, ABI_DMA_COUNT, __ATOMIC_SEQ_CST) & ABI_DMA_READ) {
            __atomic_fetch_or(word, ABI_DMA_VISITED, __ATOMIC_SEQ_CST);
            for (int looks = 0; looks < 8; looks++)
                g->broken += !(__atomic_load_n(word, __ATOMIC_SEQ_CST) & ABI_DMA_READ);
            __atomic_fetch_add(&g->hits, 1, __ATOMIC_RELAXED);
        } else {
            __atomic_fetch_add(&g->misses, 1, __ATOMIC_RELAXED);
        }
        __atomic_fetch_sub(word, ABI_DMA_COUNT, __ATOMIC_SEQ_CST);
        if (i % 64 == 0)
            sched_yield();
    }
    return NULL;
}

static void a_hit_is_good_until_it_is_given_back(void **state)
{
    struct guest g[2] = {{0}};
    pthread_t thread[2];
    uint64_t taken = 0, visited = 0;

    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, guest, &g[i]), 0);
    for (uint64_t i = 0; i < ROUNDS && !(taken > ENOUGH && seen(&g[0]) && seen(&g[1])); i++) {
        uint32_t *word = &words[i % WORDS];

        visited += word_take_visited(word);
        if (word_take(word)) {
            taken++;
            word_scrub(word);
        }
        word_grant(word, ABI_DMA_READ);
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(g[0].broken + g[1].broken, 0);
    assert_true(taken > ENOUGH && visited > 0 && seen(&g[0]) && seen(&g[1]));
    /* Not one count was lost. */
    for (uint32_t i = 0; i < WORDS; i++)
        assert_true(word_is_idle(&words[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hit_is_good_until_it_is_given_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

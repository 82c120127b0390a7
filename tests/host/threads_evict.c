/* SPDX-License-Identifier: MIT */
/*
 * The race of tests/host/steps_evict.c with real threads, under ThreadSanitizer: a CPU of a guest
 * that maps and unmaps by guest/dma.c, another one that only hits, by guest/dma_word.h, a
 * hypervisor that lowers the quota and raises it again, and a device that fetches what it can.
 */
#include "tests/host/unit.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include "guest/dma_word.h"
#include "kernel/dma/dma.h"
#include "kernel/dma/evict.h"
#include "tests/host/fake_dma_hw.h"
#include "tests/host/race.h"

#define ENOUGH 5000u    /* of everything that must happen */
#define ROUNDS 2000000u /* at most */

static pthread_mutex_t engine = PTHREAD_MUTEX_INITIALIZER;
static bool stop;
static struct {
    uint32_t maps, refused, hits, misses, faults, astray;
} seen; /* each counted by one thread */

void race_enter(void)
{
    pthread_mutex_lock(&engine);
}

void race_leave(void)
{
    race.hw->history_count = 0;
    pthread_mutex_unlock(&engine);
}

static uint32_t look(const uint32_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void count(uint32_t *counter, uint32_t by)
{
    __atomic_fetch_add(counter, by, __ATOMIC_RELAXED);
}

static bool is_over(void)
{
    return __atomic_load_n(&stop, __ATOMIC_RELAXED);
}

/* The device is at it, with the reference held. */
static void dma(uint32_t page)
{
    hpa_t frame;

    race_enter();
    count(&seen.faults, !race_reaches(page, ABI_DMA_READ));
    count(&seen.faults, !fake_dma_access(race.hw, iova(race_address(page)), false, &frame));
    race_leave();
}

static void *mapping_cpu(void *unused)
{
    for (uint32_t i = 0; !is_over(); i++) {
        int error = race_map(i % RACE_PAGES, 1, ABI_DMA_READ);

        count(error ? &seen.refused : &seen.maps, 1);
        if (error)
            continue;
        dma(i % RACE_PAGES);
        race_unmap(i % RACE_PAGES);
        if (i % 16 == 0)
            sched_yield();
    }
    return unused;
}

static void *hitting_cpu(void *unused)
{
    uint32_t *words = dma_words((uintptr_t)race.words, RACE_BASE);

    for (uint32_t i = 0; !is_over(); i++) {
        uint64_t address = race_address(i % RACE_PAGES);
        bool hit = dma_word_take(words, address) & ABI_DMA_READ;

        count(hit ? &seen.hits : &seen.misses, 1);
        /* Mostly no more than this: what holds the engine's lock keeps evictions away. */
        for (uint32_t looks = 0; hit && looks < 8; looks++)
            count(&seen.faults, !(look(&race.words[i % RACE_PAGES]) & ABI_DMA_READ));
        if (hit && i % 31 == 0)
            dma(i % RACE_PAGES);
        dma_word_give(words, address);
        if (i % 64 == 0)
            sched_yield();
    }
    return unused;
}

static void *device(void *unused)
{
    hpa_t frame;

    for (uint32_t i = 0; !is_over(); i++) {
        race_enter();
        fake_dma_access(race.hw, iova(race_address(i % RACE_PAGES)), false, &frame);
        count(&seen.astray, race_astray() != NULL);
        race_leave();
        sched_yield();
    }
    return unused;
}

static bool has_seen_enough(uint32_t lowered)
{
    return lowered > ENOUGH && look(&seen.maps) > ENOUGH && look(&seen.hits) > ENOUGH &&
           look(&seen.misses) > ENOUGH;
}

static void pages_are_taken_while_two_cpus_use_them(void **state)
{
    static const struct dma_config config = {
        .strategy = DMA_ON_DEMAND, .policy = &evict_sieve, .flush = DMA_FLUSH_STRICT, .quota = 2};
    void *(*const lives[])(void *) = {mapping_cpu, hitting_cpu, device};
    pthread_t thread[3];
    uint32_t lowered = 0;

    (void)state;
    race_open(&config, 2, ABI_DMA_READ);
    race_on_cpu(0);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, lives[i], NULL), 0);
    for (uint32_t i = 0; i < ROUNDS && !has_seen_enough(lowered); i++) {
        lowered += race_lower(1) == 0;
        race_lower(2);
        sched_yield();
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < 3; i++)
        pthread_join(thread[i], NULL);
    print_message("# lowered %u, maps %u, refused %u, hits %u, misses %u\n", lowered, seen.maps,
                  seen.refused, seen.hits, seen.misses);
    assert_int_equal(seen.faults, 0);
    assert_int_equal(seen.astray, 0);
    assert_true(has_seen_enough(lowered));
    for (uint32_t page = 0; page < RACE_PAGES; page++)
        assert_true(race.words[page] < ABI_DMA_COUNT);
    race_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_taken_while_two_cpus_use_them),
    };

    return cmocka_run_group_tests_name("threads evict", tests, NULL, NULL);
}

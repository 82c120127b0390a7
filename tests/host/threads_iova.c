/* SPDX-License-Identifier: MIT */
/*
 * IOVA allocators under threads, one for each CPU: every page has one owner at a time, no call
 * loses one, and ThreadSanitizer sees no race. Threads hand ranges to each other, so that many are
 * freed on another CPU than they come from; small spaces run out all the time.
 */
#include "tests/host/unit.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include "kernel/dma/iova.h"
#include "tests/host/random.h"

#define CPUS      4u
#define PAGES     4096u /* of the largest space */
#define KEPT      64u   /* ranges that a thread holds */
#define EXCHANGED 32u   /* places where threads leave ranges for each other */
#define STEPS     20000u

static struct iova_space *space;
static struct iova_config config;
static uint32_t least; /* pages of a range */
static bool counted;   /* identity: a page may be many threads' */
static atomic_flag held;
static atomic_uchar owner[PAGES];
static _Atomic(struct iova_range *) exchange[EXCHANGED];
static atomic_uint no_space, twice, errors;

static bool lock(void *arg)
{
    (void)arg;
    while (atomic_flag_test_and_set_explicit(&held, memory_order_acquire))
        sched_yield();
    return true;
}

static void unlock(void *arg)
{
    (void)arg;
    atomic_flag_clear_explicit(&held, memory_order_release);
}

static void own(const struct iova_range *range, uint8_t from, uint8_t to)
{
    uint64_t first = (range->at.v - config.base) / PAGE_SIZE;

    for (uint64_t i = first; i < first + range->pages && !counted; i++)
        if (i >= config.pages || atomic_exchange(&owner[i], to) != from)
            atomic_fetch_add(&twice, 1);
}

static void allocate(struct iova_range **place, uint32_t cpu, uint64_t *state)
{
    struct iova_range *range = malloc(sizeof *range);
    int error;

    *range = (struct iova_range){
        .page = random_below(state, 16),
        .pages = (uint16_t)(random_chance(state, 2) ? least : least + random_below(state, 16)),
        .rights = (uint16_t)(1 + random_below(state, 3)),
    };
    error = iova_alloc(space, range, cpu);
    if (error) {
        atomic_fetch_add(error == -ENOSPC ? &no_space : &errors, 1);
        free(range);
        return;
    }
    own(range, 0, 1);
    *place = range;
}

static void give_back(struct iova_range **place, uint32_t cpu)
{
    struct iova_range *range = *place;

    *place = NULL;
    if (!range)
        return;
    own(range, 1, 0);
    if (iova_put(space, range, cpu) || iova_free(space, range, cpu))
        atomic_fetch_add(&errors, 1);
    free(range);
}

static void *thread(void *arg)
{
    uint32_t cpu = (uint32_t)(uintptr_t)arg;
    struct iova_range *kept[KEPT] = {0};
    uint64_t state = cpu + 1;

    for (uint32_t step = 0; step < STEPS; step++) {
        struct iova_range **place = &kept[random_below(&state, KEPT)];

        if (random_chance(&state, 8))
            *place = atomic_exchange(&exchange[random_below(&state, EXCHANGED)], *place);
        else if (*place)
            give_back(place, cpu);
        else
            allocate(place, cpu, &state);
    }
    for (uint32_t i = 0; i < KEPT; i++)
        give_back(&kept[i], cpu);
    return NULL;
}

static void start(const char *name, uint32_t pages)
{
    const struct iova_allocator *allocator = iova_find(name);
    void *memory;

    config = (struct iova_config){.base = 1 << 20, .limit = 1ull << 39, .cpus = CPUS};
    config.pages = pages;
    config.lock = lock;
    config.unlock = unlock;
    counted = allocator == &iova_identity;
    memory = aligned_alloc(64, align_up(iova_bytes(allocator, &config), 64));
    assert_int_equal(iova_init(allocator, &config, memory, &space), 0);
    memset(owner, 0, sizeof owner);
    no_space = twice = errors = 0;
}

static void run(const char *name, uint32_t pages, uint32_t least_pages)
{
    pthread_t threads[CPUS];

    least = least_pages;
    start(name, pages);
    for (uintptr_t cpu = 0; cpu < CPUS; cpu++)
        assert_int_equal(pthread_create(&threads[cpu], NULL, thread, (void *)cpu), 0);
    for (uint32_t cpu = 0; cpu < CPUS; cpu++)
        pthread_join(threads[cpu], NULL);
    for (uint32_t i = 0; i < EXCHANGED; i++) {
        struct iova_range *left = atomic_exchange(&exchange[i], NULL);

        give_back(&left, i % CPUS);
    }
    assert_int_equal(twice, 0);
    assert_int_equal(errors, 0);
    iova_trim(space);
    assert_int_equal(iova_audit(space), 0);
    free(space);
}

static void threads_share_a_space(void **state)
{
    run(*state, PAGES, 1);
    run(*state, 512, 1);
    run(*state, PAGES, 48); /* each has a chunk of its own: the pool's turn */
    if (strcmp(*state, "identity") != 0)
        assert_true(no_space > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(threads_share_a_space, (void *)"identity"),
        cmocka_unit_test_prestate(threads_share_a_space, (void *)"rbtree"),
        cmocka_unit_test_prestate(threads_share_a_space, (void *)"eiovar"),
        cmocka_unit_test_prestate(threads_share_a_space, (void *)"magazine"),
        cmocka_unit_test_prestate(threads_share_a_space, (void *)"sizeclass"),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

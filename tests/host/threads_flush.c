/* SPDX-License-Identifier: MIT */
/*
 * A queue a CPU, with a thread for each CPU and under ThreadSanitizer: pages leave without a lock,
 * and one call in 250 takes the one around the hardware. The same with one queue for all needs that
 * lock for each page.
 */
#include "tests/host/unit.h"

#include <pthread.h>
#include <stdlib.h>
#include "kernel/dma/flush.h"
#include "tests/host/fake_dma_hw.h"

#define THREADS 4u
#define BATCHES 8u
#define EACH    (BATCHES * FLUSH_ENTRIES)
#define PAGES   (THREADS * EACH)
#define AT      0x7000000000ull

static struct {
    struct dma_hw *hw;
    struct dma_domain *d;
    void *memory;
    uint32_t *words;
    pthread_mutex_t lock;
    uint32_t locked;
} t = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void enter(void)
{
    pthread_mutex_lock(&t.lock);
    t.locked++;
}

static void leave(void)
{
    pthread_mutex_unlock(&t.lock);
}

static void map_all(void)
{
    for (uint32_t page = 0; page < PAGES; page += 50) {
        struct abi_dma_desc d = {ABI_DMA_OP_MAP,        ABI_DMA_READ,     50, 0,
                                 AT + page * PAGE_SIZE, page * PAGE_SIZE, 0};
        assert_int_equal(dma_map_burst(t.d, &d, 1), 0);
    }
}

static void open_domain(enum dma_flush flush)
{
    struct dma_config config = {.strategy = DMA_SINGLE_USE,
                                .flush = flush,
                                .quota = DMA_NO_QUOTA,
                                .window = {iova(AT), PAGES, 1, PAGES * PAGE_SIZE}};

    t.hw = fake_dma_new(iova(AT), PAGES);
    t.hw->eager = true;
    t.words = calloc(PAGES, sizeof *t.words);
    t.memory = malloc(dma_domain_bytes(PAGES, &config));
    t.locked = 0;
    struct dma_space space = {iova(0), hpa(0x1000000), PAGES, t.words, t.hw};
    assert_int_equal(dma_domain_init(t.memory, &config, &space, &t.d), 0);
    map_all();
}

/* As window_call does it, for a page of this CPU's own. */
static void take(uint32_t page)
{
    window_slot(t.d, page)->count = 0;
    window_slot(t.d, page)->leaving = 1;
}

static int send(struct flush_queue *q)
{
    t.d->counters.leaving += FLUSH_ENTRIES;
    return flush_send_full(t.d, q);
}

static void *by_own_queue(void *cpu)
{
    uint32_t first = (uint32_t)(uintptr_t)cpu * EACH;

    for (uint32_t page = first; page < first + EACH; page++) {
        take(page);
        if (!flush_push(&t.d->queues[(uintptr_t)cpu], page))
            continue;
        enter();
        if (send(&t.d->queues[(uintptr_t)cpu]) != 0)
            abort();
        leave();
    }
    return NULL;
}

static void *by_one_queue(void *cpu)
{
    uint32_t first = (uint32_t)(uintptr_t)cpu * EACH;

    for (uint32_t page = first; page < first + EACH; page++) {
        enter();
        take(page);
        if (flush_push(&t.d->queues[0], page) && send(&t.d->queues[0]) != 0)
            abort();
        leave();
    }
    return NULL;
}

static void run(enum dma_flush flush, void *(*work)(void *cpu), uint32_t locks)
{
    pthread_t thread[THREADS];

    open_domain(flush);
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, work, (void *)i), 0);
    for (uint32_t i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(t.locked, locks);
    assert_int_equal(t.hw->stats.inv_wait, THREADS * BATCHES);
    assert_true(dma_domain_is_valid(t.d));
    assert_int_equal(flush_all(t.d), 0);
    assert_int_equal(dma_domain_counters(t.d)->unmaps, PAGES);
    assert_int_equal(dma_domain_counters(t.d)->resident, 0);
    assert_int_equal(fake_dma_reachable(t.hw), 0);
    assert_string_equal(t.hw->violation, "");
    fake_dma_free(t.hw);
    free(t.memory);
    free(t.words);
}

static void a_queue_a_cpu_locks_once_in_250(void **state)
{
    (void)state;
    run(DMA_FLUSH_PERCPU, by_own_queue, THREADS * BATCHES);
}

static void one_queue_locks_for_each(void **state)
{
    (void)state;
    run(DMA_FLUSH_DEFERRED, by_one_queue, PAGES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queue_a_cpu_locks_once_in_250),
        cmocka_unit_test(one_queue_locks_for_each),
    };

    return cmocka_run_group_tests_name("threads flush", tests, NULL, NULL);
}

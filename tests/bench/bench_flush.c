/* SPDX-License-Identifier: MIT */
/*
 * What an unmap costs until its page may be used again, by one CPU and by two: every page under the
 * one lock around the hardware (strict), one queue for all under that lock (deferred), or a queue a
 * CPU, where one unmap in 250 takes it (percpu). The hardware is a stub whose invalidation takes
 * PRICE ns while the lock is held: an assumption, to be swept.
 * usage: bench_flush strict|deferred|percpu THREADS PRICE    prints ns a page, the best of RUNS
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "kernel/dma/flush.h"
#include "kernel/dma/inval.h"

#define THREADS_MAX 2u
#define EACH        (64u * FLUSH_ENTRIES) /* pages a thread */
#define PAGES       (THREADS_MAX * EACH)
#define RUNS        15u
#define AT          0x7000000000ull
#define OWN_NS      100.0 /* a CPU's other work for a page, outside of the lock */

struct dma_hw {
    dma_token_t token;
};

static struct dma_hw hw;
static struct dma_domain *d;
static uint32_t words[PAGES];
static double price;
static enum dma_flush mode;
static uint32_t threads;
static atomic_flag held;
static atomic_uint arrived;

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void spend(double ns)
{
    for (double until = now_ns() + ns; now_ns() < until;)
        __builtin_ia32_pause();
}

int dma_hw_prepare(struct dma_hw *unit, iova_t iova, uint64_t pages)
{
    (void)unit, (void)iova, (void)pages;
    return 0;
}

int dma_hw_set(struct dma_hw *unit, iova_t iova, hpa_t frame, uint64_t pages, uint32_t rights)
{
    (void)unit, (void)iova, (void)frame, (void)pages, (void)rights;
    return 0;
}

void dma_hw_clear(struct dma_hw *unit, iova_t iova, uint64_t pages)
{
    (void)unit, (void)iova, (void)pages;
}

int dma_hw_invalidate(struct dma_hw *unit, iova_t iova, uint64_t pages)
{
    (void)unit, (void)iova, (void)pages;
    return 0;
}

/* The whole price here, for each batch: nothing is gained by not waiting for it. */
int dma_hw_submit(struct dma_hw *unit, dma_token_t *token)
{
    spend(price);
    *token = ++unit->token;
    return 0;
}

bool dma_hw_done(struct dma_hw *unit, dma_token_t token)
{
    (void)unit, (void)token;
    return true;
}

int dma_hw_wait(struct dma_hw *unit, dma_token_t token)
{
    (void)unit, (void)token;
    return 0;
}

static void enter(void)
{
    while (atomic_flag_test_and_set_explicit(&held, memory_order_acquire))
        __builtin_ia32_pause();
}

static void leave(void)
{
    atomic_flag_clear_explicit(&held, memory_order_release);
}

static void must(int error)
{
    if (error == 0)
        return;
    fprintf(stderr, "bench_flush: error %d\n", error);
    exit(1);
}

static void open_domain(void *memory)
{
    struct dma_config config = {.strategy = DMA_SINGLE_USE,
                                .flush = mode,
                                .quota = DMA_NO_QUOTA,
                                .window = {iova(AT), PAGES, 1, PAGES * PAGE_SIZE}};
    struct dma_space space = {iova(0), hpa(0x1000000), PAGES, words, &hw};

    must(dma_domain_init(memory, &config, &space, &d));
    for (uint32_t page = 0; page < PAGES; page += 50) {
        struct abi_dma_desc desc = {ABI_DMA_OP_MAP,        ABI_DMA_READ,     50, 0,
                                    AT + page * PAGE_SIZE, page * PAGE_SIZE, 0};
        must(dma_map_burst(d, &desc, 1));
    }
}

/* As window_call does it. */
static void take(uint32_t page)
{
    window_slot(d, page)->count = 0;
    window_slot(d, page)->leaving = 1;
}

static void strictly(uint32_t page)
{
    enter();
    take(page);
    must(inval_pages(d, &page, 1));
    must(inval_complete(d));
    inval_release(d, &page, 1);
    leave();
}

static void send(struct flush_queue *q)
{
    d->counters.leaving += FLUSH_ENTRIES;
    must(flush_send_full(d, q));
}

static void by_one_queue(uint32_t page)
{
    enter();
    take(page);
    if (flush_push(&d->queues[0], page))
        send(&d->queues[0]);
    leave();
}

static void by_own_queue(uint32_t page, uint32_t cpu)
{
    take(page);
    if (!flush_push(&d->queues[cpu], page))
        return;
    enter();
    send(&d->queues[cpu]);
    leave();
}

static void *work(void *arg)
{
    uint32_t cpu = (uint32_t)(uintptr_t)arg, first = cpu * EACH;
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof set, &set);
    atomic_fetch_add(&arrived, 1);
    while (atomic_load(&arrived) < threads)
        sched_yield();
    for (uint32_t page = first; page < first + EACH; page++) {
        spend(OWN_NS);
        if (mode == DMA_FLUSH_STRICT)
            strictly(page);
        else if (mode == DMA_FLUSH_DEFERRED)
            by_one_queue(page);
        else
            by_own_queue(page, cpu);
    }
    return NULL;
}

static double run(void *memory)
{
    pthread_t handle[THREADS_MAX];
    double begun;

    open_domain(memory);
    atomic_store(&arrived, 0);
    begun = now_ns();
    for (uintptr_t i = 0; i < threads; i++)
        pthread_create(&handle[i], NULL, work, (void *)i);
    for (uint32_t i = 0; i < threads; i++)
        pthread_join(handle[i], NULL);
    return (now_ns() - begun) / (threads * EACH);
}

int main(int argc, char **argv)
{
    static const char *const names[] = {[DMA_FLUSH_STRICT] = "strict",
                                        [DMA_FLUSH_DEFERRED] = "deferred",
                                        [DMA_FLUSH_PERCPU] = "percpu"};
    struct dma_config largest = {.strategy = DMA_SINGLE_USE,
                                 .flush = DMA_FLUSH_PERCPU,
                                 .window = {iova(AT), PAGES, 1, PAGES * PAGE_SIZE}};
    double best = 1e12;
    void *memory;

    if (argc != 4)
        return 2;
    for (mode = DMA_FLUSH_STRICT; mode <= DMA_FLUSH_PERCPU; mode++)
        if (strcmp(names[mode], argv[1]) == 0)
            break;
    threads = (uint32_t)strtoul(argv[2], NULL, 10);
    price = strtod(argv[3], NULL);
    if (mode > DMA_FLUSH_PERCPU || threads == 0 || threads > THREADS_MAX)
        return 2;
    memory = malloc(dma_domain_bytes(PAGES, &largest));
    for (uint32_t i = 0; i < RUNS; i++) {
        double ns = run(memory);

        best = ns < best ? ns : best;
    }
    printf("%.1f\n", best);
    return 0;
}

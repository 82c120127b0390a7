/* SPDX-License-Identifier: MIT */
/*
 * What a pair costs: iova_alloc, then iova_put and iova_free of another range.
 *   ring   a ring of 512 receive buffers of a page: the oldest is freed, a new one allocated, while
 *          1024 older ranges stay; netperf's pattern
 *   mixed  4096 receive buffers of a page are renewed in turn, and between two of them a buffer of
 *          two pages is sent: two pairs a step. Linux's search then walks from the hole that the
 *          receive buffer left, too small, over all the buffers behind it
 * usage: bench_iova ns ALLOCATOR PATTERN THREADS   best and median ns a pair, of many short runs
 *        bench_iova count ALLOCATOR PATTERN PAIRS  runs them, for an instruction counter
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "kernel/dma/iova.h"

#define THREADS_MAX 2u
#define PAGES       65536u
#define RUNS        200u /* at most, and as many as begin in SECOND_NS */
#define SECOND_NS   1e9
#define RUN_NS      200000.0 /* short: many are over before anybody else wants the CPU */
#define RING        512u
#define OLDER       1024u
#define RECEIVE     4096u
#define SENT        64u

struct worker {
    uint32_t cpu;
    bool mixed;
    uint32_t at;
    uint64_t steps;
    double begun, ended;
    struct iova_range receive[RECEIVE], sent[SENT], older[OLDER];
} __attribute__((aligned(4096)));

static struct iova_space *space;
static atomic_flag held;
static atomic_uint arrived;
static struct worker workers[THREADS_MAX];
static uint32_t threads;
static double results[RUNS];
static uint32_t runs; /* that were made */
static bool over;

/* A hypervisor's holder of the lock is never off its CPU. Here he may be: then he gets ours. */
static bool lock(void *arg)
{
    (void)arg;
    for (uint32_t i = 1; atomic_flag_test_and_set_explicit(&held, memory_order_acquire); i++)
        if (i % 1024)
            __builtin_ia32_pause();
        else
            sched_yield();
    return true;
}

static void unlock(void *arg)
{
    (void)arg;
    atomic_flag_clear_explicit(&held, memory_order_release);
}

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void must(int error)
{
    if (error == 0)
        return;
    fprintf(stderr, "bench_iova: error %d\n", error);
    exit(1);
}

static void allocate(struct worker *w, struct iova_range *range, uint32_t page, uint16_t pages)
{
    range->page = w->cpu * (PAGES / THREADS_MAX) + page;
    range->pages = pages;
    range->rights = ABI_DMA_WRITE;
    must(iova_alloc(space, range, w->cpu));
}

static void renew(struct worker *w, struct iova_range *range)
{
    must(iova_put(space, range, w->cpu));
    must(iova_free(space, range, w->cpu));
    must(iova_alloc(space, range, w->cpu));
}

static void fill(struct worker *w)
{
    uint32_t page = 0;

    if (w->mixed) {
        for (uint32_t i = 0; i < RECEIVE; i++)
            allocate(w, &w->receive[i], page++, 1);
        for (uint32_t i = 0; i < SENT; i++, page += 2)
            allocate(w, &w->sent[i], page, 2);
        return;
    }
    for (uint32_t i = 0; i < OLDER; i++)
        allocate(w, &w->older[i], page++, 1);
    for (uint32_t i = 0; i < RING; i++)
        allocate(w, &w->receive[i], page++, 1);
}

static void run(struct worker *w)
{
    for (uint64_t i = 0; i < w->steps; i++, w->at++) {
        if (w->mixed) {
            renew(w, &w->receive[w->at % RECEIVE]);
            renew(w, &w->sent[w->at % SENT]);
        } else {
            renew(w, &w->receive[w->at % RING]);
        }
    }
}

/* All wait until the last one comes. */
static void meet(uint32_t *round)
{
    atomic_fetch_add(&arrived, 1);
    ++*round;
    while (atomic_load(&arrived) < *round * threads)
        sched_yield();
}

static void pin(uint32_t cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof set, &set);
}

/* Pairs of all threads take this long each, from when the first began to when the last was done. */
static double result(void)
{
    double begun = workers[0].begun, ended = workers[0].ended;

    for (uint32_t t = 1; t < threads; t++) {
        begun = workers[t].begun < begun ? workers[t].begun : begun;
        ended = workers[t].ended > ended ? workers[t].ended : ended;
    }
    return (ended - begun) / (double)(workers[0].steps * threads * (workers[0].mixed ? 2 : 1));
}

static void *work(void *arg)
{
    struct worker *w = arg;
    uint32_t round = 0;
    double last = now_ns() + SECOND_NS;

    if (threads > 1)
        pin(w->cpu);
    do {
        meet(&round);
        w->begun = now_ns();
        run(w);
        w->ended = now_ns();
        meet(&round);
        if (w->cpu == 0) {
            results[runs++] = result();
            over = runs == RUNS || w->ended > last;
        }
        meet(&round);
    } while (!over);
    return NULL;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* As many steps as a run's time holds; mixed: whole rounds, since a step's cost depends on its
 * place. */
static uint64_t calibrate(struct worker *w)
{
    double begun = now_ns();
    uint64_t round = w->mixed ? RECEIVE : 1, steps;

    w->steps = RECEIVE;
    run(w);
    steps = (uint64_t)(RUN_NS / (now_ns() - begun) * RECEIVE);
    return (steps / round + 1) * round;
}

static void measure(void)
{
    pthread_t handles[THREADS_MAX];
    uint64_t steps = calibrate(&workers[0]);

    for (uint32_t t = 0; t < threads; t++)
        workers[t].steps = steps;
    for (uint32_t t = 0; t < threads; t++)
        pthread_create(&handles[t], NULL, work, &workers[t]);
    for (uint32_t t = 0; t < threads; t++)
        pthread_join(handles[t], NULL);
    qsort(results, runs, sizeof *results, compare);
    printf("%.2f %.2f\n", results[0], results[runs / 2]);
}

int main(int argc, char **argv)
{
    const struct iova_allocator *allocator = argc == 5 ? iova_find(argv[2]) : NULL;
    struct iova_config config = {
        .base = 1 << 20, .limit = 1ull << 39, .pages = PAGES, .cpus = THREADS_MAX};
    bool counts = argc == 5 && strcmp(argv[1], "count") == 0;
    uint64_t number = argc == 5 ? strtoull(argv[4], NULL, 0) : 0;

    if (!allocator || number == 0 || (!counts && number > THREADS_MAX))
        return 2;
    config.lock = lock;
    config.unlock = unlock;
    must(iova_init(allocator, &config,
                   aligned_alloc(64, align_up(iova_bytes(allocator, &config), 64)), &space));
    threads = counts ? 1 : (uint32_t)number;
    for (uint32_t t = 0; t < threads; t++) {
        workers[t].cpu = t;
        workers[t].mixed = strcmp(argv[3], "mixed") == 0;
        fill(&workers[t]);
    }
    if (counts) {
        workers[0].steps = workers[0].mixed ? number / 2 : number;
        run(&workers[0]);
    } else {
        measure();
    }
    return 0;
}

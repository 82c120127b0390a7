/* SPDX-License-Identifier: MIT */
/*
 * One thing, so many times, for tools/bench-engine to count or to time:
 *   engine empty|hit|unmap TIMES
 *   engine miss POLICY PAGES TIMES     with 90 % of PAGES in use, the rest evicted in turn
 * Prints nanoseconds a time, the median of nine parts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "guest/dma_word.h"
#include "kernel/dma/dma.h"
#include "kernel/dma/evict.h"
#include "tools/mapsim/count_hw.h"
#include "tools/mapsim/trace.h"

#define PARTS 9

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static uint32_t table[64];
static volatile uint32_t misses;

/* The address comes from memory in all three, so that the loops differ by the operation alone. */
static volatile uint64_t address = 5 << 12;

static void empty(uint64_t times)
{
    for (; times > 0; times--)
        (void)address;
}

static void hit(uint64_t times)
{
    for (; times > 0; times--)
        if (!dma_word_is_hit(dma_word_take(table, address), ABI_DMA_WRITE))
            misses++;
}

static void unmap(uint64_t times)
{
    for (; times > 0; times--)
        dma_word_give(table, address);
}

static struct dma_domain *domain;
static uint32_t *words, pages, turn;

static void map(uint32_t page)
{
    uint64_t at = page * PAGE_SIZE;
    struct abi_dma_desc d = {
        .op = ABI_DMA_OP_MAP, .rights = ABI_DMA_RIGHTS, .pages = 1, .iova = at, .page = at};

    words[page] += ABI_DMA_COUNT;
    if (!(words[page] & ABI_DMA_RIGHTS) && dma_map_burst(domain, &d, 1) != 0)
        die("a map was refused");
}

/* A tenth of the quota is idle; twice as many pages want it, in turn. */
static void miss(uint64_t times)
{
    uint32_t wanting = pages / 5;

    for (; times > 0; times--) {
        uint32_t page = pages + turn++ % wanting;

        map(page);
        words[page] -= ABI_DMA_COUNT;
    }
}

static void prepare_miss(const char *policy, uint32_t quota)
{
    uint32_t all = quota + quota / 5;
    struct dma_config config = {.strategy = DMA_ON_DEMAND,
                                .policy = evict_find(policy),
                                .flush = DMA_FLUSH_BATCH,
                                .quota = quota,
                                .hits = DMA_HITS_TOLD};

    if (!config.policy)
        die("no policy %s", policy);
    config.evict_batch = config.policy->evict_batch;
    pages = quota;
    words = must_alloc(all * sizeof *words);
    struct dma_space space = {iova(0), hpa(0), all, words, count_hw_new()};

    if (dma_domain_init(must_alloc(dma_domain_bytes(all, &config)), &config, &space, &domain))
        die("no domain of %u pages", all);
    for (uint32_t page = 0; page < quota / 10 * 9; page++)
        map(page);
    miss(2 * quota);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(uint64_t times);
    } all[] = {{"empty", empty}, {"hit", hit}, {"unmap", unmap}, {"miss", miss}};
    uint64_t times = argc > 2 ? strtoull(argv[argc - 1], NULL, 10) : 0;
    double part[PARTS];

    table[5] = ABI_DMA_RIGHTS | ABI_DMA_VISITED | ABI_DMA_TOUCHED;
    if (argc == 5)
        prepare_miss(argv[2], (uint32_t)strtoul(argv[3], NULL, 10));
    for (size_t i = 0; i < 4; i++) {
        if (argc < 3 || strcmp(all[i].name, argv[1]) != 0)
            continue;
        for (uint32_t p = 0; p < PARTS; p++) {
            double start = now();

            all[i].run(times / PARTS);
            part[p] = (now() - start) / (double)(times / PARTS);
        }
        qsort(part, PARTS, sizeof *part, by_size);
        printf("%.2f\n", part[PARTS / 2]);
        return misses != 0;
    }
    die("engine empty|hit|unmap TIMES, or engine miss POLICY PAGES TIMES");
}

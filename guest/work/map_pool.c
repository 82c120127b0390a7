/* SPDX-License-Identifier: MIT */
/*
 * A pool of buffers, two a page, which the device gives back in any order. With order=fifo (the
 * default) the one that has rested longest goes next, and all pages are used; with order=lifo the
 * one that came back last, and few are.
 */
#include <stdbool.h>
#include <string.h>
#include "guest/args.h"
#include "guest/console.h"
#include "guest/heap.h"
#include "guest/random.h"
#include "guest/synthetic.h"
#include "guest/workload.h"
#include "kernel/abi.h"

static struct {
    uint32_t *resting;   /* place = running count modulo buffers */
    uint64_t head, tail; /* oldest, newest + 1 */
    uint32_t buffers;
    bool lifo;
} pool;

static void give(uint32_t buffer)
{
    pool.resting[pool.tail++ % pool.buffers] = buffer;
}

static uint32_t take(void)
{
    return pool.resting[(pool.lifo ? --pool.tail : pool.head++) % pool.buffers];
}

static void start(uint32_t buffers)
{
    char order[8];

    args_text("order", "fifo", order, sizeof(order));
    if (strcmp(order, "fifo") != 0 && strcmp(order, "lifo") != 0)
        fail("map_pool: order=%s: known: fifo lifo", order);
    pool.lifo = order[0] == 'l';
    pool.buffers = buffers;
    pool.resting = heap_pages(pages_of(buffers * sizeof(uint32_t)));
    for (uint32_t i = 0; i < buffers; i++)
        give(i);
}

static uint32_t done(uint32_t n)
{
    return random_next() % n;
}

static int run(void)
{
    static const struct synthetic kernel = {
        .workload = "map_pool",
        .rights = ABI_DMA_READ | ABI_DMA_WRITE,
        .buffers_a_page = 2,
        .start = start,
        .take = take,
        .give = give,
        .done = done,
    };

    return synthetic_run(&kernel);
}

const struct workload map_pool = {"map_pool", run};

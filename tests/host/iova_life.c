/* SPDX-License-Identifier: MIT */
#include "tests/host/iova_life.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool lock(void *arg)
{
    struct iova_life *l = arg;

    if (l->held)
        life_fail(l, "the lock is taken twice");
    if (l->failing && draw_one_in(l->draw, 8)) {
        l->refused = true;
        return false;
    }
    return l->held = true;
}

static void unlock(void *arg)
{
    struct iova_life *l = arg;

    if (!l->held)
        life_fail(l, "the lock is released twice");
    l->held = false;
}

void iova_life_start(struct iova_life *l, const struct iova_allocator *allocator,
                     struct draw *source)
{
    memset(l, 0, sizeof *l);
    l->allocator = allocator;
    l->draw = source;
    l->config = (struct iova_config){
        .base = (1 + draw(source, 4)) << 20,
        .limit = 1ull << 39,
        .pages = 64 + draw(source, LIFE_PAGES - 63),
        .cpus = 1 + draw(source, LIFE_CPUS),
    };
    if (draw(source, 2)) {
        l->config.lock = lock;
        l->config.unlock = unlock;
        l->config.lock_arg = l;
        l->failing = draw(source, 2);
    }
    l->sizes = 1u << draw(source, 7);
    l->full = 8 + draw(source, 7);
    l->cached = l->config.pages;
    l->memory = aligned_alloc(64, align_up(iova_bytes(allocator, &l->config), 64));
    if (!l->memory || iova_init(allocator, &l->config, l->memory, &l->space))
        abort();
}

static void allocate(struct iova_life *l)
{
    uint32_t cpu = draw(l->draw, l->config.cpus);
    struct iova_range range = {
        .page = draw(l->draw, l->config.pages + 4),
        .pages = (uint16_t)(1 + draw(l->draw, l->sizes)),
        .rights = (uint16_t)(1 + draw(l->draw, 3)),
    };
    int error;

    if (l->live_count == LIFE_LIVE)
        return;
    error = iova_alloc(l->space, &range, cpu);
    l->allocs += error == 0;
    l->no_space += error == -ENOSPC;
    l->refusals += error == -ETIMEDOUT;
    life_allocated(l, &range, cpu, error);
}

static void free_one(struct iova_life *l, uint32_t index, uint32_t cpu)
{
    struct iova_range range = l->live[index].range;
    int error = iova_put(l->space, &range, cpu);

    if (error) {
        life_fail(l, "a put returned %d", error);
        return;
    }
    life_put(l, &range);
    error = iova_free(l->space, &range, cpu);
    while (error == -ETIMEDOUT && l->refused) {
        l->refused = false;
        l->refusals++;
        error = iova_free(l->space, &range, cpu);
    }
    if (error)
        life_fail(l, "a free returned %d", error);
    l->freed = range;
    life_freed(l, index);
}

/* True when no live range is what this one says it is. */
static bool is_wrong(const struct iova_life *l, const struct iova_range *r)
{
    for (uint32_t i = 0; i < l->live_count; i++) {
        const struct iova_range *live = &l->live[i].range;

        if (live->at.v == r->at.v && life_granted(l, live->pages) == life_granted(l, r->pages))
            return false;
        /* identity knows pages, not ranges. */
        if (life_is_identity(l) && r->rights == live->rights)
            return false;
    }
    return true;
}

/* A free of what was never allocated, is free again, or has another size. */
static void free_wrongly(struct iova_life *l)
{
    struct iova_range range = {
        .at = iova(l->config.base + (draw(l->draw, l->config.pages + 8) - 4) * PAGE_SIZE),
        .page = draw(l->draw, l->config.pages + 8),
        .pages = (uint16_t)draw(l->draw, 67),
        .rights = (uint16_t)draw(l->draw, 5),
    };
    uint32_t cpu = draw(l->draw, l->config.cpus + 1);
    int error;

    if (draw_one_in(l->draw, 8))
        range.at.v += 1 + draw(l->draw, PAGE_SIZE - 1);
    if (l->live_count && draw(l->draw, 2))
        range.at = l->live[draw(l->draw, l->live_count)].range.at;
    else if (l->freed.pages && draw(l->draw, 2))
        range = l->freed;
    if (!is_wrong(l, &range))
        return;
    error =
        life_is_identity(l) ? iova_put(l->space, &range, cpu) : iova_free(l->space, &range, cpu);
    l->wrong_frees++;
    if (error != -EINVAL && !(error == -ETIMEDOUT && l->refused))
        life_fail(l, "a wrong free of %u pages at %#llx returned %d", range.pages,
                  (unsigned long long)range.at.v, error);
}

bool iova_life_step(struct iova_life *l)
{
    uint32_t what = draw(l->draw, 16);
    bool failing = l->failing;

    l->refused = false;
    if (draw_one_in(l->draw, 256))
        l->full = 2 + draw(l->draw, 13);
    if (draw_one_in(l->draw, 16))
        free_wrongly(l);
    if (draw_one_in(l->draw, 256)) {
        l->failing = false; /* a trim has the space for itself */
        iova_trim(l->space);
        l->failing = failing;
    }
    if (what < l->full || l->live_count == 0)
        allocate(l);
    else
        free_one(l, draw(l->draw, l->live_count), draw(l->draw, l->config.cpus));
    if (l->held)
        life_fail(l, "the lock is still held");
    if (!l->failure[0] && draw_one_in(l->draw, 4))
        life_audit(l);
    return !l->failure[0];
}

static void free_all(struct iova_life *l)
{
    while (l->live_count && !l->failure[0])
        free_one(l, l->live_count - 1, l->live_count % l->config.cpus);
    iova_trim(l->space);
    if (!l->failure[0])
        life_audit(l);
}

/* Empty again means that one CPU gets all of it. */
static void fill_up(struct iova_life *l)
{
    uint32_t whole = strcmp(l->allocator->name, "sizeclass") ? 1 : 64, got = 0;
    uint32_t all = l->config.pages / whole * whole;
    struct iova_range range = {.pages = 1, .rights = ABI_DMA_READ};

    while (got <= all && iova_alloc(l->space, &range, 0) == 0)
        got++;
    if (got != all)
        life_fail(l, "%u of %u pages can be had when all were freed", got, all);
    for (uint32_t page = 0; page < got && !l->failure[0]; page++) {
        range.at = iova(l->config.base + (l->config.pages / whole * whole - 1 - page) * PAGE_SIZE);
        if (iova_free(l->space, &range, page % l->config.cpus))
            life_fail(l, "page %u is not allocated in a full space", page);
    }
    free_all(l);
}

bool iova_life_finish(struct iova_life *l)
{
    l->failing = false;
    free_all(l);
    if (!l->failure[0] && !life_is_identity(l))
        fill_up(l);
    free(l->memory);
    l->memory = NULL;
    return !l->failure[0];
}

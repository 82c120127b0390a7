/* SPDX-License-Identifier: MIT */
#include "tests/host/window_life.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GPA    0x40000000ull
#define FRAMES 0x123456000ull
#define WINDOW 0x7000000000ull

__attribute__((format(printf, 2, 3))) static void wrong(struct window_life *w, const char *format,
                                                        ...)
{
    va_list args;

    if (w->failure[0])
        return;
    va_start(args, format);
    vsnprintf(w->failure, sizeof w->failure, format, args);
    va_end(args);
}

static uint64_t iova_of(uint32_t slot)
{
    return WINDOW + slot * PAGE_SIZE;
}

struct window_config window_draw_config(struct draw *d)
{
    struct window_config c = {.dma.policy = NULL};
    struct dma_window *w = &c.dma.window;

    c.pages = 1 + draw(d, WINDOW_PAGES);
    c.dma.strategy = draw(d, 2) ? DMA_SHARED : DMA_SINGLE_USE;
    c.dma.flush = (enum dma_flush)draw(d, 4);
    c.dma.quota = draw(d, 2) ? DMA_NO_QUOTA : 1 + draw(d, c.pages);
    *w = (struct dma_window){.base = iova(WINDOW), .rows = 1 + draw(d, 3)};
    w->pages = 1 + draw(d, WINDOW_SLOTS / w->rows);
    w->stride = WINDOW_SLOTS / w->rows * PAGE_SIZE;
    c.eager = draw(d, 2);
    c.caching_mode = draw_one_in(d, 4);
    c.failures = draw_one_in(d, 3);
    return c;
}

/* Of the engine, which leaves a slot out between rows. */
static uint32_t index_of(const struct window_life *w, uint32_t slot)
{
    const struct dma_window *window = &w->config.dma.window;
    uint32_t per_row = (uint32_t)(window->stride / PAGE_SIZE);

    return slot / per_row * (window->pages + 1) + slot % per_row;
}

/* In the middle of a call. */
static void meanwhile(void *context, enum fake_operation operation)
{
    struct window_life *w = context;
    const struct dma_counters *c;

    (void)operation;
    if (!w->domain)
        return;
    c = dma_domain_counters(w->domain);
    if (fake_dma_reachable(w->hw) > c->resident)
        wrong(w, "%u pages reachable, %u counted", fake_dma_reachable(w->hw), c->resident);
    if (w->hw->violations)
        wrong(w, "the fake: %s", w->hw->violation);
}

void window_start(struct window_life *w, const struct window_config *config, struct draw *source)
{
    const struct dma_window *window = &config->dma.window;
    struct dma_domain *domain = NULL;
    int error;

    *w = (struct window_life){.config = *config, .draw = source, .slots = WINDOW_SLOTS};
    for (uint32_t slot = 0; slot < w->slots; slot++)
        w->slot[slot].usable = slot / (window->stride / PAGE_SIZE) < window->rows &&
                               slot % (window->stride / PAGE_SIZE) < window->pages;
    w->hw = fake_dma_new(iova(WINDOW), w->slots);
    w->hw->eager = config->eager;
    w->hw->caching_mode = config->caching_mode;
    w->hw->late = config->pages % 5;
    w->hw->hook = meanwhile;
    w->hw->context = w;
    struct dma_space space = {iova(GPA), hpa(FRAMES), config->pages, w->words, w->hw};
    error = dma_domain_init(malloc(dma_domain_bytes(config->pages, &config->dma)), &config->dma,
                            &space, &domain);
    if (error) {
        fprintf(stderr, "dma_domain_init: %d\n", error);
        abort();
    }
    w->domain = domain;
}

/* ---- the reference ------------------------------------------------------------------------- */

/* A range lies in one row. */
static bool in_window(const struct window_life *w, uint64_t at, uint32_t pages)
{
    uint64_t per_row = w->config.dma.window.stride / PAGE_SIZE;
    uint64_t first = (at - WINDOW) / PAGE_SIZE;

    if (at < WINDOW || at % PAGE_SIZE || first + pages > w->slots)
        return false;
    for (uint64_t slot = first; slot < first + pages; slot++)
        if (!w->slot[slot].usable || slot / per_row != first / per_row)
            return false;
    return true;
}

static int ref_check(const struct window_life *w, const struct abi_dma_desc *d)
{
    bool map = d->op == 1;

    if (d->op != 1 && d->op != 2)
        return -EINVAL;
    if (d->pages > 64)
        return -E2BIG;
    if (d->pages == 0 || d->reserved || !in_window(w, d->iova, d->pages))
        return -EINVAL;
    if (!map)
        return d->rights || d->page ? -EINVAL : 0;
    if (d->rights < 1 || d->rights > 3 || d->page % PAGE_SIZE || d->page < GPA)
        return -EINVAL;
    return (d->page - GPA) / PAGE_SIZE + d->pages > w->config.pages ? -EINVAL : 0;
}

static int ref_apply(struct ref_slot *s, const struct abi_dma_desc *d)
{
    uint32_t first = (uint32_t)((d->iova - WINDOW) / PAGE_SIZE);

    for (uint32_t i = 0; i < d->pages; i++) {
        struct ref_slot *slot = &s[first + i];
        uint32_t page = (uint32_t)((d->page - GPA) / PAGE_SIZE) + i;

        if (d->op == 2) {
            if (slot->count-- == 0)
                return -ENOENT;
            continue;
        }
        if (!slot->count && !slot->rights) {
            slot->page = page;
            slot->wanted = 0;
        }
        if (slot->page != page)
            return -EEXIST;
        slot->count++;
        slot->wanted |= d->rights;
    }
    return 0;
}

static uint32_t live(const struct ref_slot *s)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < WINDOW_SLOTS; i++)
        count += s[i].rights != 0;
    return count;
}

/* What is new comes before what leaves does: both have to find room. */
static int ref_call(struct window_life *w, struct abi_dma_desc *burst, uint32_t n, bool no_table)
{
    static struct ref_slot next[WINDOW_SLOTS];
    uint32_t quota = w->config.dma.quota == DMA_NO_QUOTA ? w->config.pages : w->config.dma.quota;
    uint32_t new = 0;
    int error = 0;

    for (uint32_t i = n; i-- > 0;) {
        burst[i].status = ref_check(w, &burst[i]);
        error = burst[i].status ? burst[i].status : error;
    }
    memcpy(next, w->slot, sizeof next);
    for (uint32_t i = 0; i < n && !error; i++)
        error = burst[i].status = ref_apply(next, &burst[i]);
    if (error)
        return error;
    for (uint32_t i = 0; i < WINDOW_SLOTS; i++)
        new += next[i].count && !next[i].rights;
    if (live(w->slot) + new > quota)
        error = -ENOSPC;
    else if (no_table)
        error = -ENOMEM;
    for (uint32_t i = 0; i < WINDOW_SLOTS; i++) {
        next[i].rights = next[i].count ? next[i].rights | next[i].wanted : 0;
        next[i].wanted = 0;
    }
    if (!error)
        memcpy(w->slot, next, sizeof next);
    for (uint32_t i = 0; i < n; i++)
        burst[i].status = error;
    return error;
}

/* ---- what must hold ------------------------------------------------------------------------ */

static void check_live(struct window_life *w, uint32_t slot)
{
    const struct ref_slot *s = &w->slot[slot];
    bool write = s->rights & ABI_DMA_WRITE;
    hpa_t frame;

    if (dma_domain_rights(w->domain, index_of(w, slot)) != s->rights)
        wrong(w, "slot %u: rights %u, not %u", slot,
              dma_domain_rights(w->domain, index_of(w, slot)), s->rights);
    else if (!fake_dma_access(w->hw, iova(iova_of(slot)), write, &frame))
        wrong(w, "DMA to the mapped slot %u faulted", slot);
    else if (frame.v != FRAMES + s->page * PAGE_SIZE)
        wrong(w, "DMA to slot %u reached %#llx", slot, (unsigned long long)frame.v);
    else if (!dma_domain_maps(w->domain, iova(iova_of(slot)), frame))
        wrong(w, "slot %u: dma_domain_maps says no", slot);
}

static void check_all(struct window_life *w)
{
    uint32_t resident = 0;
    bool deferred =
        w->config.dma.flush == DMA_FLUSH_DEFERRED || w->config.dma.flush == DMA_FLUSH_PERCPU;

    if (!dma_domain_is_valid(w->domain))
        wrong(w, "dma_domain_is_valid says no");
    for (uint32_t slot = 0; slot < w->slots && !w->dead; slot++) {
        bool leaving = w->slot[slot].usable && dma_domain_is_leaving(w->domain, index_of(w, slot));

        resident += leaving || w->slot[slot].rights;
        if (w->slot[slot].rights)
            check_live(w, slot);
        else if (leaving && !deferred)
            wrong(w, "slot %u is leaving after a call that waits", slot);
        else if (!leaving)
            fake_dma_release(w->hw, slot);
    }
    if (!w->dead && resident != dma_domain_counters(w->domain)->resident)
        wrong(w, "%u slots, %u counted", resident, dma_domain_counters(w->domain)->resident);
    if (w->hw->violations)
        wrong(w, "the fake: %s", w->hw->violation);
}

/* ---- the guest ----------------------------------------------------------------------------- */

/* Of something mapped, or a fresh one; now and then over what is there. */
static struct abi_dma_desc draw_desc(struct window_life *w)
{
    static const uint32_t lengths[] = {1, 1, 1, 2, 5, 64};
    uint32_t slot = draw(w->draw, w->slots), pages = lengths[draw(w->draw, 6)];
    uint32_t page = draw(w->draw, w->config.pages);
    struct abi_dma_desc d = {.op = ABI_DMA_OP_MAP, .rights = (uint8_t)(1 + draw(w->draw, 3))};

    while (draw(w->draw, 8) && !w->slot[slot].usable)
        slot = draw(w->draw, w->slots);
    if (w->slot[slot].count && draw(w->draw, 8))
        page = w->slot[slot].page;
    if (w->slot[slot].count && draw(w->draw, 3)) {
        d = (struct abi_dma_desc){.op = ABI_DMA_OP_UNMAP};
        pages = draw(w->draw, 4) ? 1 : pages;
    }
    d.iova = iova_of(slot);
    d.pages = (uint16_t)pages;
    if (d.op == ABI_DMA_OP_MAP)
        d.page = GPA + page * PAGE_SIZE;
    return d;
}

static void spoil(struct window_life *w, struct abi_dma_desc *d)
{
    switch (draw(w->draw, 8)) {
    case 0:
        d->op = (uint8_t)draw_u32(w->draw);
        break;
    case 1:
        d->rights = (uint8_t)draw_u32(w->draw);
        break;
    case 2:
        d->pages = (uint16_t)draw_u32(w->draw);
        break;
    case 3:
        d->reserved = 1ull << draw(w->draw, 64);
        break;
    case 4:
        d->iova ^= 1ull << draw(w->draw, 64);
        break;
    case 5:
        d->page ^= 1ull << draw(w->draw, 64);
        break;
    case 6:
        d->iova = (uint64_t)draw_u32(w->draw) << draw(w->draw, 33);
        break;
    default:
        d->iova = UINT64_MAX - draw(w->draw, 2) * (PAGE_SIZE - 1);
    }
}

static void count(struct window_life *w, int error)
{
    w->refused += error == -EINVAL || error == -E2BIG;
    w->exists += error == -EEXIST;
    w->missing += error == -ENOENT;
    w->no_space += error == -ENOSPC;
    w->no_memory += error == -ENOMEM;
}

static void call(struct window_life *w)
{
    struct abi_dma_desc burst[ABI_DMA_BURST], copy[ABI_DMA_BURST];
    uint32_t n = 1 + draw(w->draw, draw_one_in(w->draw, 8) ? ABI_DMA_BURST : 4);
    int got, predicted;

    for (uint32_t i = 0; i < n; i++) {
        burst[i] = draw_desc(w);
        if (draw_one_in(w->draw, 48))
            spoil(w, &burst[i]);
    }
    memcpy(copy, burst, sizeof copy);
    got = dma_map_burst(w->domain, burst, n);
    count(w, got);
    if (got == -ETIMEDOUT) {
        if (!w->hw->dead)
            wrong(w, "a call timed out on a living queue");
        w->dead = true;
        return;
    }
    if (w->dead)
        wrong(w, "a call on a dead domain returned %d", got);
    predicted = ref_call(w, copy, n, got == -ENOMEM);
    if (got != predicted)
        wrong(w, "a call returned %d, reference %d", got, predicted);
    for (uint32_t i = 0; i < n; i++)
        if (burst[i].status != copy[i].status)
            wrong(w, "status %u is %d, reference %d", i, burst[i].status, copy[i].status);
}

bool window_step(struct window_life *w)
{
    uint32_t what = draw(w->draw, 24), slot = draw(w->draw, w->slots);
    hpa_t frame;

    if (what < 20)
        call(w);
    else if (what == 20)
        fake_dma_access(w->hw, iova(iova_of(slot)), slot & 1, &frame);
    else if (what == 21)
        w->dead |= dma_domain_flush(w->domain) == -ETIMEDOUT;
    else if (what == 22)
        dma_domain_set_cpu(w->domain, slot);
    else if (w->config.failures && draw_one_in(w->draw, 16))
        w->hw->waits_left = draw(w->draw, 4);
    else if (w->config.failures)
        w->hw->tables_left = draw_one_in(w->draw, 2) ? FAKE_UNLIMITED : 0;
    check_all(w);
    return !w->failure[0] && !w->dead;
}

bool window_finish(struct window_life *w)
{
    int error = dma_domain_fini(w->domain);

    if (error && !w->hw->dead)
        wrong(w, "the end: %d", error);
    for (uint32_t slot = 0; slot < w->slots && !error; slot++)
        fake_dma_release(w->hw, slot);
    if (!error && (dma_domain_counters(w->domain)->resident || !dma_domain_is_valid(w->domain)))
        wrong(w, "something is left after the end");
    if (w->hw->violations)
        wrong(w, "the fake: %s", w->hw->violation);
    fake_dma_free(w->hw);
    free(w->domain);
    return !w->failure[0];
}

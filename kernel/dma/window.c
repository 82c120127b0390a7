/* SPDX-License-Identifier: MIT */
/* The window's shape, and its slots by themselves; window_call.c has the calls. */
#include "kernel/dma/window.h"
#include "kernel/dma/domain.h"
#include "kernel/dma/inval.h"
#include "kernel/dma/word.h"

#define APART    0x1000000000ull /* 64 GiB: within 39 bits, and no guest's first page */
#define SLOT_MAX (1ull << 28)

bool dma_strategy_has_window(enum dma_strategy strategy)
{
    return strategy == DMA_SHARED || strategy == DMA_SINGLE_USE;
}

struct dma_window dma_window_apart(uint32_t pages)
{
    return (struct dma_window){iova(APART), pages, 1, pages * PAGE_SIZE};
}

/* As iova_identity places its rows: the smallest power of two that is not inside of the first. */
struct dma_window dma_window_identity(iova_t base, uint32_t pages)
{
    struct dma_window w = {base, pages, 3, PAGE_SIZE};

    while (w.stride < base.v + pages * PAGE_SIZE)
        w.stride *= 2;
    return w;
}

bool window_is_sound(const struct dma_window *w)
{
    uint64_t row = w->pages * PAGE_SIZE;

    return w->pages > 0 && w->rows > 0 && w->rows * (w->pages + 1ull) < SLOT_MAX &&
           is_aligned(w->base.v | w->stride, PAGE_SIZE) && w->stride >= row &&
           w->stride <= (UINT64_MAX - w->base.v) / w->rows;
}

struct window_slot *window_slot(const struct dma_domain *d, uint32_t slot)
{
    return (struct window_slot *)(uintptr_t)d->records + slot;
}

void window_forget(struct dma_domain *d)
{
    for (uint32_t slot = 0; slot < window_slots(&d->config.window); slot++)
        *window_slot(d, slot) = (struct window_slot){0};
    d->leaving_count = 0;
    domain_count_resident(d, 0);
}

void window_reset(struct dma_domain *d)
{
    window_forget(d);
    for (uint32_t page = 0; page < d->space.pages; page++)
        word_reset(&d->space.table[page], 0);
}

void window_release(struct dma_domain *d, const uint32_t *slots, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        *window_slot(d, slots[i]) = (struct window_slot){0};
    d->counters.unmaps += count;
    domain_count_resident(d, d->counters.resident - count);
}

int window_clear(struct dma_domain *d)
{
    const struct dma_window *w = &d->config.window;
    int error = 0;

    for (uint32_t row = 0; row < w->rows && !error; row++) {
        uint32_t first = row * (w->pages + 1);

        dma_hw_clear(d->space.hw, window_iova(w, first), w->pages);
        error = inval_add(d, first, w->pages);
    }
    return error;
}

bool dma_domain_maps(const struct dma_domain *d, iova_t at, hpa_t frame)
{
    const struct dma_window *w = &d->config.window;
    uint64_t offset = at.v - w->base.v, page = offset % w->stride / PAGE_SIZE;

    if (at.v < w->base.v || offset / w->stride >= w->rows || page >= w->pages)
        return false;
    const struct window_slot *s =
        window_slot(d, (uint32_t)(offset / w->stride * (w->pages + 1) + page));

    return s->rights && domain_frame(d, s->page).v == frame.v;
}

bool window_is_valid(const struct dma_domain *d)
{
    uint32_t mapped = 0, leaving = 0;

    for (uint32_t i = 0; i < window_slots(&d->config.window); i++) {
        const struct window_slot *s = window_slot(d, i);

        if (s->wanted || s->page >= d->space.pages || (s->leaving && (s->count || !s->rights)))
            return false;
        if (!s->leaving && !s->rights != !s->count && !d->ended)
            return false;
        mapped += s->rights != 0;
        leaving += s->leaving;
    }
    return mapped == d->counters.resident && leaving == d->counters.leaving + d->leaving_count;
}

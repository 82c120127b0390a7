/* SPDX-License-Identifier: MIT */
/*
 * A call of maps and unmaps, all or nothing. First the slots alone, in the order of the
 * descriptors: counts go up and down, and can go back. Then what may fail for want of something.
 * Last the entries: new ones are set, and what nobody uses any more leaves.
 */
#include <errno.h>
#include "kernel/dma/domain.h"
#include "kernel/dma/flush.h"
#include "kernel/dma/inval.h"

#define COUNT_MAX 0x0fffffffu

/* The slot of the descriptor's first page; -EINVAL where the window has no such pages. */
static int64_t first_slot(const struct dma_domain *d, const struct abi_dma_desc *desc)
{
    const struct dma_window *w = &d->config.window;
    uint64_t offset = desc->iova - w->base.v, row = offset / w->stride;
    uint64_t page = offset % w->stride / PAGE_SIZE;
    uint64_t end = desc->iova + desc->pages * PAGE_SIZE;

    if (desc->iova < w->base.v || row >= w->rows || !is_aligned(desc->iova, PAGE_SIZE))
        return -EINVAL;
    if (page >= w->pages || desc->pages > w->pages - page)
        return -EINVAL;
    if (desc->iova < WINDOW_HOLE_END && end > WINDOW_HOLE_BEGIN)
        return -EINVAL;
    return (int64_t)(row * (w->pages + 1) + page);
}

static bool is_map(const struct abi_dma_desc *desc)
{
    return desc->op == ABI_DMA_OP_MAP;
}

static int check_descriptor(const struct dma_domain *d, const struct abi_dma_desc *desc)
{
    if (desc->op != ABI_DMA_OP_MAP && desc->op != ABI_DMA_OP_UNMAP)
        return -EINVAL;
    if (desc->pages > ABI_DMA_MAX_PAGES)
        return -E2BIG;
    if (desc->pages == 0 || desc->reserved != 0 || first_slot(d, desc) < 0)
        return -EINVAL;
    if (!is_map(desc))
        return desc->rights == 0 && desc->page == 0 ? 0 : -EINVAL;
    if (desc->rights == 0 || (desc->rights & ~ABI_DMA_RIGHTS))
        return -EINVAL;
    return domain_has_pages(d, desc->page, desc->pages) ? 0 : -EINVAL;
}

static int check(const struct dma_domain *d, struct abi_dma_desc *burst, uint32_t n)
{
    int error = 0;

    for (uint32_t i = 0; i < n; i++) {
        burst[i].status = check_descriptor(d, &burst[i]);
        if (!error)
            error = burst[i].status;
    }
    return error;
}

static struct window_slot *slots_of(const struct dma_domain *d, const struct abi_dma_desc *desc)
{
    return window_slot(d, (uint32_t)first_slot(d, desc));
}

static bool wants_leaving(const struct dma_domain *d, const struct abi_dma_desc *desc)
{
    const struct window_slot *s = slots_of(d, desc);
    bool leaving = false;

    for (uint32_t i = 0; i < desc->pages && is_map(desc); i++)
        leaving |= s[i].leaving;
    return leaving;
}

/* One more mapping of a slot. A slot without rights or count is free. */
static int add(struct window_slot *s, uint32_t page, uint32_t rights)
{
    if (!s->rights && !s->count) {
        s->page = page;
        s->wanted = 0;
    }
    if (s->page != page)
        return -EEXIST;
    if (s->count == COUNT_MAX)
        return -EOVERFLOW;
    s->count++;
    s->wanted |= rights;
    return 0;
}

/* Takes the first `pages` of a descriptor's steps back. */
static void undo(const struct dma_domain *d, const struct abi_dma_desc *desc, uint32_t pages)
{
    struct window_slot *s = slots_of(d, desc);

    for (uint32_t i = 0; i < pages; i++)
        s[i].count += is_map(desc) ? COUNT_MAX : 1; /* minus 1 in 28 bits */
}

static int apply(const struct dma_domain *d, const struct abi_dma_desc *desc)
{
    struct window_slot *s = slots_of(d, desc);
    uint32_t page = (uint32_t)((desc->page - d->space.base.v) >> PAGE_SHIFT), i;
    int error = 0;

    for (i = 0; i < desc->pages && !error; i++) {
        if (is_map(desc))
            error = add(&s[i], page + i, desc->rights);
        else if (s[i].count == 0)
            error = -ENOENT;
        else
            s[i].count--;
    }
    if (error)
        undo(d, desc, i - 1);
    return error;
}

/* All descriptors' steps, or none; what a wrong one's status says decides. */
static int apply_all(const struct dma_domain *d, struct abi_dma_desc *burst, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        burst[i].status = apply(d, &burst[i]);
        if (burst[i].status) {
            int error = burst[i].status;

            while (i--)
                undo(d, &burst[i], burst[i].pages);
            return error;
        }
    }
    return 0;
}

static bool is_new(const struct window_slot *s)
{
    return s->count && !s->rights;
}

/* New pages of the call; a slot that several descriptors name counts for the first alone. */
static uint32_t count_new(const struct dma_domain *d, const struct abi_dma_desc *burst, uint32_t n)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < n; i++) {
        struct window_slot *s = slots_of(d, &burst[i]);

        for (uint32_t k = 0; k < burst[i].pages; k++) {
            count += is_new(&s[k]) && !s[k].leaving;
            s[k].leaving |= is_new(&s[k]); /* seen: no slot that is new leaves */
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        struct window_slot *s = slots_of(d, &burst[i]);

        for (uint32_t k = 0; k < burst[i].pages; k++)
            if (is_new(&s[k]))
                s[k].leaving = 0;
    }
    return count;
}

static int prepare(struct dma_domain *d, const struct abi_dma_desc *burst, uint32_t n)
{
    uint32_t pages = count_new(d, burst, n);
    int error = flush_room(d, pages);

    if (!error && d->counters.resident + pages > d->config.quota)
        error = -ENOSPC;
    for (uint32_t i = 0; i < n && !error; i++)
        if (is_map(&burst[i]))
            error = dma_hw_prepare(d->space.hw, iova(burst[i].iova), burst[i].pages);
    return error == -ETIMEDOUT ? inval_fail(d, error) : error;
}

/* Pages from s on, `most` at most, that need the same change as the first. */
static uint32_t run_of(const struct window_slot *s, uint32_t most)
{
    uint32_t pages = 1;

    while (pages < most && s[pages].count && s[pages].rights == s->rights &&
           (s[pages].wanted | s->rights) == (s->wanted | s->rights))
        pages++;
    return pages;
}

static int set_run(struct dma_domain *d, struct window_slot *s, uint32_t pages)
{
    uint32_t first = (uint32_t)(s - window_slot(d, 0)), rights = s->rights | s->wanted;
    bool widens = s->rights != 0;
    int error;

    if (!widens)
        domain_count_resident(d, d->counters.resident + pages);
    for (uint32_t i = 0; i < pages; i++)
        s[i].rights = rights & ABI_DMA_RIGHTS;
    d->counters.misses += pages;
    error = dma_hw_set(d->space.hw, domain_iova(d, first), domain_frame(d, s->page), pages, rights);
    if (error)
        return inval_fail(d, error);
    return widens ? inval_add(d, first, pages) : 0;
}

static int set(struct dma_domain *d, const struct abi_dma_desc *desc, bool *widened)
{
    struct window_slot *s = slots_of(d, desc);
    uint32_t pages;
    int error = 0;

    for (uint32_t i = 0; i < desc->pages && !error; i += pages) {
        pages = 1;
        if (s[i].count == 0 || !(s[i].wanted & ~s[i].rights))
            continue;
        pages = run_of(&s[i], desc->pages - i);
        *widened |= s[i].rights != 0;
        error = set_run(d, &s[i], pages);
    }
    return error;
}

/* What nobody uses any more. */
static int leave(struct dma_domain *d, const struct abi_dma_desc *desc)
{
    struct window_slot *s = slots_of(d, desc);
    int error = 0;

    for (uint32_t i = 0; i < desc->pages && !error; i++) {
        if (s[i].count || s[i].leaving || !s[i].rights)
            continue;
        s[i].leaving = 1;
        d->leaving[d->leaving_count++] = (uint32_t)(&s[i] - window_slot(d, 0));
        if (d->leaving_count == DMA_LEAVING)
            error = flush_leaving(d);
    }
    if (!error && d->config.flush == DMA_FLUSH_STRICT)
        error = flush_leaving(d);
    return error;
}

static void settle(const struct dma_domain *d, const struct abi_dma_desc *desc)
{
    struct window_slot *s = slots_of(d, desc);

    for (uint32_t i = 0; i < desc->pages; i++) {
        s[i].wanted = 0;
        if (!s[i].rights && !s[i].count)
            s[i].page = 0;
    }
}

static int commit(struct dma_domain *d, const struct abi_dma_desc *burst, uint32_t n)
{
    bool widened = false;
    int error = 0;

    for (uint32_t i = 0; i < n && !error; i++)
        if (is_map(&burst[i]))
            error = set(d, &burst[i], &widened);
    if (!error && widened)
        error = inval_complete(d);
    for (uint32_t i = 0; i < n && !error; i++)
        if (!is_map(&burst[i]))
            error = leave(d, &burst[i]);
    return error ? error : flush_leaving(d);
}

static int answer(struct abi_dma_desc *burst, uint32_t n, int error)
{
    for (uint32_t i = 0; i < n; i++)
        burst[i].status = error;
    return error;
}

static int change(struct dma_domain *d, struct abi_dma_desc *burst, uint32_t n)
{
    int error = prepare(d, burst, n);

    if (error)
        for (uint32_t i = n; i--;)
            undo(d, &burst[i], burst[i].pages);
    else
        error = commit(d, burst, n);
    d->counters.no_space += error == -ENOSPC;
    return error;
}

int window_call(struct dma_domain *d, struct abi_dma_desc *burst, uint32_t n)
{
    bool leaving = false;
    int error = check(d, burst, n);

    if (error)
        return error;
    for (uint32_t i = 0; i < n; i++)
        leaving |= wants_leaving(d, &burst[i]);
    /* An IOVA that is used again before its time: its old entries go first. */
    if (leaving)
        error = flush_all(d);
    if (error)
        return answer(burst, n, error);
    error = apply_all(d, burst, n);
    if (!error)
        error = answer(burst, n, change(d, burst, n));
    for (uint32_t i = 0; i < n; i++)
        settle(d, &burst[i]);
    return error;
}

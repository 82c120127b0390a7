/* SPDX-License-Identifier: MIT */
/*
 * A burst, in passes over its descriptors: check them, mark what each page is wanted for (a page
 * that comes twice counts once), make room, prepare the tables, set the entries, and last show the
 * guest the rights. Everything that can fail for want of something comes before the first entry.
 */
#include <errno.h>
#include "kernel/dma/ahead.h"
#include "kernel/dma/domain.h"
#include "kernel/dma/flush.h"
#include "kernel/dma/inval.h"
#include "kernel/dma/mapcache.h"
#include "kernel/dma/quota.h"
#include "kernel/dma/word.h"

/* Neighbouring pages that need the same change. */
struct run {
    uint32_t first, pages;
    uint32_t rights; /* to be set */
    bool widens;     /* the entries are there with fewer rights; otherwise absent */
};

static int check_descriptor(const struct dma_domain *d, const struct abi_dma_desc *desc)
{
    if (desc->op != ABI_DMA_OP_MAP || desc->reserved != 0)
        return -EINVAL;
    if (desc->rights == 0 || (desc->rights & ~ABI_DMA_RIGHTS))
        return -EINVAL;
    if (desc->pages > ABI_DMA_MAX_PAGES)
        return -E2BIG;
    if (desc->pages == 0 || desc->iova != desc->page ||
        !domain_has_pages(d, desc->page, desc->pages))
        return -EINVAL;
    return 0;
}

/* Each descriptor's own status; the first that is wrong decides. */
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

static uint32_t first_page(const struct dma_domain *d, const struct abi_dma_desc *desc)
{
    return (uint32_t)((desc->page - d->space.base.v) >> PAGE_SHIFT);
}

/* What a burst needs, each page counted once. */
struct need {
    uint32_t unique; /* pages in all */
    uint32_t absent; /* of these, not mapped */
    bool leaving;    /* some of these are still on their way out */
};

/* Pins every page of the descriptor; counts those not seen before in this burst. */
static void want(struct dma_domain *d, const struct abi_dma_desc *desc, struct need *need)
{
    struct page_record *record = &d->records[first_page(d, desc)];

    for (uint32_t i = 0; i < desc->pages; i++, record++) {
        if (!record->wanted) {
            need->unique++;
            need->absent += record->rights == 0;
            need->leaving |= record->leaving;
        }
        record->wanted |= desc->rights;
    }
}

/* Ends the pinning. On success the words tell what the records say: also to a guest that lost a
 * resident page's bits. */
static void settle(struct dma_domain *d, const struct abi_dma_desc *desc, bool mapped)
{
    uint32_t first = first_page(d, desc);

    for (uint32_t page = first; page < first + desc->pages; page++) {
        d->records[page].wanted = 0;
        if (mapped && d->config.hits != DMA_HITS_EXIT)
            word_grant(&d->space.table[page], d->records[page].rights);
    }
}

/* The next run of [at, end) that needs a change; false when there is none. */
static bool next_run(const struct dma_domain *d, uint32_t at, uint32_t end, struct run *run)
{
    const struct page_record *record = d->records;

    while (at < end && !(record[at].wanted & ~record[at].rights))
        at++;
    if (at == end)
        return false;

    *run = (struct run){
        .first = at,
        .rights = record[at].rights | record[at].wanted,
        .widens = record[at].rights != 0,
    };
    do {
        run->pages++;
        at++;
    } while (at < end && (record[at].wanted & ~record[at].rights) &&
             (record[at].rights | record[at].wanted) == run->rights &&
             (record[at].rights != 0) == run->widens);
    return true;
}

static int prepare(struct dma_domain *d, const struct abi_dma_desc *desc)
{
    uint32_t at = first_page(d, desc), end = at + desc->pages;
    int error = 0;

    for (struct run run; !error && next_run(d, at, end, &run); at = run.first + run.pages)
        if (!run.widens)
            error = dma_hw_prepare(d->space.hw, domain_iova(d, run.first), run.pages);
    return error == -ETIMEDOUT ? inval_fail(d, error) : error;
}

static int set_run(struct dma_domain *d, const struct run *run)
{
    for (uint32_t page = run->first; page < run->first + run->pages; page++) {
        if (run->widens)
            d->records[page].rights = run->rights;
        else
            mapcache_admit(d, page, run->rights, false);
    }
    d->counters.misses += run->pages;
    int error = dma_hw_set(d->space.hw, domain_iova(d, run->first), domain_frame(d, run->first),
                           run->pages, run->rights);
    if (error)
        return inval_fail(d, error);
    /* The device may hold the narrower entry, and would fault on it. */
    return run->widens ? inval_add(d, run->first, run->pages) : 0;
}

static int set(struct dma_domain *d, const struct abi_dma_desc *desc, bool *widened)
{
    uint32_t at = first_page(d, desc), end = at + desc->pages;
    int error = 0;

    for (struct run run; !error && next_run(d, at, end, &run); at = run.first + run.pages) {
        error = set_run(d, &run);
        *widened |= run.widens;
    }
    return error;
}

static int map(struct dma_domain *d, const struct abi_dma_desc *burst, uint32_t n)
{
    struct need need = {0};
    bool widened = false;
    int error = 0;

    for (uint32_t i = 0; i < n; i++)
        want(d, &burst[i], &need);
    if (need.leaving)
        error = flush_all(d);
    for (uint32_t i = 0; i < n && d->config.policy; i++)
        ahead_learn(d, first_page(d, &burst[i]), burst[i].pages);
    ahead_choose(d, need.absent, need.unique);
    if (!error)
        error = quota_make_room(d, need.absent, need.unique);
    for (uint32_t i = 0; !error && i < n; i++)
        error = prepare(d, &burst[i]);
    if (!error)
        error = ahead_map(d, burst[0].rights);
    for (uint32_t i = 0; !error && i < n; i++)
        error = set(d, &burst[i], &widened);
    if (!error && widened)
        error = inval_complete(d);
    for (uint32_t i = 0; i < n; i++)
        settle(d, &burst[i], !error);
    if (d->config.policy && d->config.policy->settle)
        d->config.policy->settle(&d->order);
    return error;
}

int dma_map_burst(struct dma_domain *d, struct abi_dma_desc *burst, uint32_t n)
{
    int error;

    if (d->ended)
        return d->ended;
    d->counters.calls++;
    if (n == 0)
        return -EINVAL;
    if (n > ABI_DMA_BURST)
        return -E2BIG;
    if (domain_has_window(d))
        return window_call(d, burst, n);
    error = check(d, burst, n);
    if (error)
        return error;

    error = map(d, burst, n);
    if (error == -ENOSPC)
        d->counters.no_space++;
    for (uint32_t i = 0; i < n; i++)
        burst[i].status = error;
    return error;
}

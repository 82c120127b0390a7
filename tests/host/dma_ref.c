/* SPDX-License-Identifier: MIT */
#include "tests/host/dma_ref.h"
#include <errno.h>
#include <stddef.h>
#include <string.h>

static bool is_idle(uint32_t word)
{
    return word / ABI_DMA_COUNT == 0;
}

uint32_t ref_resident(const struct ref *r)
{
    uint32_t resident = 0;

    for (uint32_t page = 0; page < r->pages; page++)
        resident += r->rights[page] != 0;
    return resident;
}

static int check(const struct ref *r, const struct abi_dma_desc *d)
{
    if (d->op != 1 || d->reserved || d->rights < 1 || d->rights > 3)
        return -EINVAL;
    if (d->pages > 64)
        return -E2BIG;
    if (d->pages < 1 || d->page % 4096 || d->page != d->iova)
        return -EINVAL;
    for (uint64_t i = 0; i < d->pages; i++) {
        uint64_t page = d->page / 4096 + i; /* cannot wrap: 2^52 pages and 64 */
        if (page < r->base / 4096 || page >= r->base / 4096 + r->pages)
            return -EINVAL;
    }
    return 0;
}

static uint32_t evict(struct ref *r, const bool *pinned, uint32_t goal, uint32_t must)
{
    uint32_t victims[REF_PAGES], taken;

    taken = ref_order_evict(&r->order, r->words, pinned, goal, must, victims);
    for (uint32_t i = 0; i < taken; i++)
        r->rights[victims[i]] = 0;
    r->evictions += taken;
    return taken;
}

static int make_room(struct ref *r, const bool *wanted)
{
    uint32_t all = 0, absent = 0, resident = ref_resident(r);

    for (uint32_t page = 0; page < r->pages; page++) {
        all += wanted[page];
        absent += wanted[page] && !r->rights[page];
    }
    if (resident + absent <= r->quota)
        return 0;
    if (all > r->quota)
        return -ENOSPC;
    uint32_t least = resident + absent - r->quota;
    uint32_t taken = evict(r, wanted, r->evict_batch > least ? r->evict_batch : least, least);
    return taken < least ? -ENOSPC : 0;
}

static int set_all(struct ref *r, struct abi_dma_desc *burst, uint32_t n, const uint8_t *wanted)
{
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < burst[i].pages; j++) {
            uint64_t page = (burst[i].page - r->base) / 4096 + j;

            if (!r->rights[page]) {
                ref_order_insert(&r->order, (uint32_t)page);
                r->words[page] &= ~(ABI_DMA_RIGHTS | ABI_DMA_VISITED);
            }
            r->misses += (wanted[page] & ~r->rights[page]) != 0;
            r->rights[page] |= wanted[page];
            if (!r->sees_hits)
                r->words[page] |= r->rights[page];
        }
    return 0;
}

int ref_map_burst(struct ref *r, struct abi_dma_desc *burst, uint32_t n, bool no_table)
{
    uint8_t rights[REF_PAGES] = {0};
    bool wanted[REF_PAGES] = {false};
    int error = 0;

    if (n == 0)
        return -EINVAL;
    if (n > 64)
        return -E2BIG;
    for (uint32_t i = n; i-- > 0;) {
        burst[i].status = check(r, &burst[i]);
        error = burst[i].status ? burst[i].status : error;
    }
    if (error)
        return error;

    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < burst[i].pages; j++) {
            uint64_t page = (burst[i].page - r->base) / 4096 + j;
            wanted[page] = true;
            rights[page] |= burst[i].rights;
        }
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < burst[i].pages; j++) {
            uint64_t page = (burst[i].page - r->base) / 4096 + j;
            if (!r->rights[page])
                ref_order_miss(&r->order, (uint32_t)page);
            else if (r->sees_hits && !r->prefilled)
                ref_order_hit(&r->order, (uint32_t)page);
        }
    error = make_room(r, wanted);
    if (!error)
        error = no_table ? -ENOMEM : set_all(r, burst, n, rights);
    for (uint32_t i = 0; i < n; i++)
        burst[i].status = error;
    return error;
}

int ref_set_quota(struct ref *r, uint32_t quota)
{
    uint32_t idle = 0, resident = ref_resident(r);

    if (quota == 0 || quota > r->pages || quota < r->floor)
        return -EINVAL;
    for (uint32_t page = 0; page < r->pages && !r->prefilled; page++)
        idle += r->rights[page] && is_idle(r->words[page]);
    if (resident > quota) {
        if (idle < resident - quota)
            return -EBUSY;
        evict(r, NULL, resident - quota, resident - quota);
    }
    r->quota = r->order.quota = quota;
    return 0;
}

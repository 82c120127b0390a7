/* SPDX-License-Identifier: MIT */
#include "tests/host/fake_dma_hw.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kernel/abi.h"

#define LEAVES_PER_TABLE 512u

static void *grow(void *array, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return array;
    *room = *room ? *room * 2 : 64;
    array = realloc(array, *room * size);
    if (!array)
        abort();
    return array;
}

static void record(struct dma_hw *hw, struct fake_record what)
{
    hw->history = grow(hw->history, hw->history_count, &hw->history_room, sizeof *hw->history);
    hw->history[hw->history_count++] = what;
    if (hw->hook && what.operation != FAKE_COMPLETE)
        hw->hook(hw->context, what.operation);
}

__attribute__((format(printf, 2, 3))) static void violate(struct dma_hw *hw, const char *format,
                                                          ...)
{
    va_list args;

    if (hw->violations++)
        return;
    va_start(args, format);
    vsnprintf(hw->violation, sizeof hw->violation, format, args);
    va_end(args);
}

struct dma_hw *fake_dma_new(iova_t base, uint32_t pages)
{
    struct dma_hw *hw = calloc(1, sizeof *hw);

    if (!hw)
        abort();
    *hw = (struct dma_hw){
        .base = base.v,
        .pages = pages,
        .page = calloc(pages, sizeof *hw->page),
        .tables_left = FAKE_UNLIMITED,
        .waits_left = FAKE_UNLIMITED,
        .invalidations_left = FAKE_UNLIMITED,
    };
    if (!hw->page)
        abort();
    return hw;
}

void fake_dma_free(struct dma_hw *hw)
{
    free(hw->page);
    free(hw->pending);
    free(hw->history);
    free(hw);
}

/* The index of the range's first page; a range that is not all inside is a violation and -1. */
static int64_t locate(struct dma_hw *hw, const char *who, iova_t at, uint64_t pages)
{
    uint64_t first = (at.v - hw->base) >> PAGE_SHIFT;

    if (at.v >= hw->base && is_aligned(at.v, PAGE_SIZE) && pages && pages <= hw->pages &&
        first <= hw->pages - pages)
        return (int64_t)first;
    violate(hw, "%s of %llu pages at %#llx: not inside the space", who, (unsigned long long)pages,
            (unsigned long long)at.v);
    return -1;
}

static bool take_table(struct dma_hw *hw)
{
    if (hw->tables_left == 0)
        return false;
    if (hw->tables_left != FAKE_UNLIMITED)
        hw->tables_left--;
    hw->stats.table_pages++;
    hw->stats.table_pages_peak = hw->stats.table_pages;
    return true;
}

int dma_hw_prepare(struct dma_hw *hw, iova_t at, uint64_t pages)
{
    int64_t first = locate(hw, "prepare", at, pages);

    if (first < 0)
        return -ERANGE;
    record(hw, (struct fake_record){FAKE_PREPARE, at.v, pages, 0, 0});
    for (uint64_t i = (uint64_t)first; i < (uint64_t)first + pages; i++) {
        uint64_t table = i / LEAVES_PER_TABLE * LEAVES_PER_TABLE;

        if (!hw->page[i].prepared && !take_table(hw))
            return -ENOMEM;
        for (uint64_t j = table; j < table + LEAVES_PER_TABLE && j < hw->pages; j++)
            hw->page[j].prepared = true;
    }
    return 0;
}

static void check_set(struct dma_hw *hw, uint64_t page, struct fake_entry new)
{
    const struct fake_page *p = &hw->page[page];
    unsigned long long n = page;

    if (new.rights == 0 || (new.rights & ~ABI_DMA_RIGHTS))
        violate(hw, "set of page %llu with rights %#x", n, new.rights);
    if (!p->prepared)
        violate(hw, "set of page %llu before its table was prepared", n);
    if (p->table.rights && p->table.frame != new.frame)
        violate(hw, "set of page %llu over another frame's live entry", n);
    if (!p->table.rights && p->iotlb.rights)
        violate(hw, "set of page %llu before the token of its last life", n);
    if (p->table.rights & ~new.rights)
        violate(hw, "set of page %llu narrows a live entry", n);
}

int dma_hw_set(struct dma_hw *hw, iova_t at, hpa_t frame, uint64_t pages, uint32_t rights)
{
    int64_t first = locate(hw, "set", at, pages);
    bool present = false;
    dma_token_t token;

    if (first < 0)
        return 0;
    record(hw, (struct fake_record){FAKE_SET, at.v, pages, rights, 0});
    for (uint64_t i = 0; i < pages; i++) {
        struct fake_page *p = &hw->page[(uint64_t)first + i];
        struct fake_entry new = {frame.v + i * PAGE_SIZE, rights};

        check_set(hw, (uint64_t)first + i, new);
        present |= p->table.rights != 0;
        p->table = new;
        p->released = false;
        if (hw->eager) {
            p->refetched = new;
            if (!p->iotlb.rights)
                p->iotlb = new;
        }
    }
    if (!hw->caching_mode || present)
        return 0;
    int error = dma_hw_invalidate(hw, at, pages);
    if (!error)
        error = dma_hw_submit(hw, &token);
    return error ? error : dma_hw_wait(hw, token);
}

void dma_hw_clear(struct dma_hw *hw, iova_t at, uint64_t pages)
{
    int64_t first = locate(hw, "clear", at, pages);

    if (first < 0)
        return;
    record(hw, (struct fake_record){FAKE_CLEAR, at.v, pages, 0, 0});
    for (uint64_t i = (uint64_t)first; i < (uint64_t)first + pages; i++)
        hw->page[i].table = (struct fake_entry){0};
}

/* Page-selective descriptors cover aligned powers of two. */
static uint64_t descriptors(uint64_t first, uint64_t pages)
{
    uint64_t count = 0;

    while (pages) {
        uint64_t size = 1;

        while (size * 2 <= pages && first % (size * 2) == 0)
            size *= 2;
        first += size;
        pages -= size;
        count++;
    }
    return count;
}

int dma_hw_invalidate(struct dma_hw *hw, iova_t at, uint64_t pages)
{
    int64_t first = locate(hw, "invalidate", at, pages);

    if (first < 0)
        return 0;
    record(hw, (struct fake_record){FAKE_INVALIDATE, at.v, pages, 0, hw->submitted + 1});
    if (hw->invalidations_left == 0)
        hw->dead = true;
    else if (hw->invalidations_left != FAKE_UNLIMITED)
        hw->invalidations_left--;
    if (hw->dead)
        return -ETIMEDOUT;
    hw->stats.inv_page += descriptors(at.v >> PAGE_SHIFT, pages);
    hw->pending = grow(hw->pending, hw->pending_count, &hw->pending_room, sizeof *hw->pending);
    hw->pending[hw->pending_count++] =
        (struct fake_invalidation){(uint64_t)first, pages, hw->submitted + 1};
    for (uint64_t i = (uint64_t)first; i < (uint64_t)first + pages; i++)
        hw->page[i].refetched = hw->eager ? hw->page[i].table : (struct fake_entry){0};
    return 0;
}

int dma_hw_submit(struct dma_hw *hw, dma_token_t *token)
{
    bool open = hw->pending_count && hw->pending[hw->pending_count - 1].token > hw->submitted;

    if (open) {
        hw->submitted++;
        hw->stats.inv_wait++;
        hw->polls = hw->late;
    }
    *token = hw->submitted;
    record(hw, (struct fake_record){FAKE_SUBMIT, 0, 0, 0, *token});
    return 0;
}

static void complete(struct dma_hw *hw, dma_token_t token)
{
    size_t kept = 0;

    for (size_t i = 0; i < hw->pending_count; i++) {
        struct fake_invalidation *inv = &hw->pending[i];

        if (inv->token > token) {
            hw->pending[kept++] = *inv;
            continue;
        }
        for (uint64_t page = inv->first; page < inv->first + inv->pages; page++)
            hw->page[page].iotlb = hw->page[page].refetched;
    }
    hw->pending_count = kept;
    hw->completed = token;
    record(hw, (struct fake_record){FAKE_COMPLETE, 0, 0, 0, token});
}

bool dma_hw_done(struct dma_hw *hw, dma_token_t token)
{
    if (token > hw->submitted)
        violate(hw, "token %llu was never given", (unsigned long long)token);
    if (token <= hw->completed)
        return true;
    if (hw->dead)
        return false;
    if (hw->polls > 0) {
        hw->polls--;
        return false;
    }
    complete(hw, token);
    return true;
}

int dma_hw_wait(struct dma_hw *hw, dma_token_t token)
{
    record(hw, (struct fake_record){FAKE_WAIT, 0, 0, 0, token});
    if (hw->waits_left == 0)
        hw->dead = true;
    else if (hw->waits_left != FAKE_UNLIMITED)
        hw->waits_left--;
    while (!hw->dead && !dma_hw_done(hw, token))
        ;
    return hw->dead ? -ETIMEDOUT : 0;
}

const struct dma_hw_stats *dma_hw_stats(const struct dma_hw *hw)
{
    return &hw->stats;
}

bool fake_dma_access(struct dma_hw *hw, iova_t at, bool write, hpa_t *frame)
{
    uint64_t index = (at.v - hw->base) >> PAGE_SHIFT;

    if (at.v < hw->base || index >= hw->pages)
        return false;
    struct fake_page *p = &hw->page[index];
    if (!p->iotlb.rights)
        p->iotlb = p->refetched = p->table;
    if (!(p->iotlb.rights & (write ? ABI_DMA_WRITE : ABI_DMA_READ)))
        return false;
    if (p->released)
        violate(hw, "the device reached page %llu after its release", (unsigned long long)index);
    *frame = hpa(p->iotlb.frame + at.v % PAGE_SIZE);
    return true;
}

void fake_dma_release(struct dma_hw *hw, uint32_t page)
{
    struct fake_page *p = &hw->page[page];

    if (p->table.rights)
        violate(hw, "page %u was released with its entry in place", page);
    else if (p->iotlb.rights)
        violate(hw, "page %u was released while the IOTLB still held it", page);
    p->released = true;
}

uint32_t fake_dma_worst(const struct dma_hw *hw, uint32_t page)
{
    return hw->page[page].table.rights | hw->page[page].iotlb.rights;
}

uint32_t fake_dma_surely(const struct dma_hw *hw, uint32_t page)
{
    const struct fake_page *p = &hw->page[page];

    return p->iotlb.rights ? p->table.rights & p->iotlb.rights : p->table.rights;
}

uint32_t fake_dma_reachable(const struct dma_hw *hw)
{
    uint32_t reachable = 0;

    for (uint32_t page = 0; page < hw->pages; page++)
        reachable += fake_dma_worst(hw, page) != 0;
    return reachable;
}

size_t fake_dma_find(const struct dma_hw *hw, enum fake_operation operation, size_t from)
{
    for (size_t i = from; i < hw->history_count; i++)
        if (hw->history[i].operation == operation)
            return i;
    return SIZE_MAX;
}

void fake_dma_print(const struct dma_hw *hw, size_t last)
{
    static const char *const names[] = {"prepare", "set",  "clear",   "invalidate",
                                        "submit",  "wait", "complete"};
    size_t from = hw->history_count > last ? hw->history_count - last : 0;

    for (size_t i = from; i < hw->history_count; i++) {
        const struct fake_record *r = &hw->history[i];

        fprintf(stderr, "  %zu %s iova %#llx pages %llu rights %u token %llu\n", i,
                names[r->operation], (unsigned long long)r->iova, (unsigned long long)r->pages,
                r->rights, (unsigned long long)r->token);
    }
    if (hw->violations)
        fprintf(stderr, "  %u violations, first: %s\n", hw->violations, hw->violation);
}

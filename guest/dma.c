/* SPDX-License-Identifier: MIT */
#include "guest/dma.h"

#include <errno.h>
#include <stdbool.h>
#include "guest/console.h"
#include "guest/dma_window.h"
#include "guest/dma_word.h"
#include "guest/hyper.h"
#include "guest/trace.h"

#define PAGE_SHIFT 12

struct dma_counters dma_counters;
static bool has_window;
static bool detours; /* a window, or a trace: maps and unmaps leave the short path */

static uint32_t *word_of(uint32_t index)
{
    return (uint32_t *)boot->dma_table + index;
}

static uint32_t *words(void)
{
    return dma_words(boot->dma_table, boot->ram_base);
}

static struct abi_dma_desc *ring_at(uint32_t desc)
{
    return (struct abi_dma_desc *)boot->dma_ring + desc;
}

static uint32_t index_of(uint64_t address)
{
    return (uint32_t)((address - boot->ram_base) >> PAGE_SHIFT);
}

static uint32_t table_pages(void)
{
    return (uint32_t)(boot->ram_bytes >> PAGE_SHIFT);
}

void dma_start(uint32_t floor_pages)
{
    int64_t error = hyper_call(ABI_DMA_INIT, floor_pages, 0);

    has_window = boot->dma_mode != ABI_DMA_TABLE;
    if (!error && has_window)
        dma_window_start();
    trace_start();
    detours = has_window || trace_is_on();
    if (error)
        fail("DMA refused for a floor of %u pages: error %d", floor_pages, (int)-error);
}

void dma_burst_begin(struct dma_burst *b)
{
    b->held = b->descs = b->missed = 0;
    b->error = 0;
    trace_mark();
}

/* True when the last descriptor has the page, or takes it as its next one. */
static bool joins_last(struct dma_burst *b, uint64_t page, uint32_t rights)
{
    struct abi_dma_desc *last;
    uint64_t offset;

    if (b->descs == 0)
        return false;
    last = ring_at(b->descs - 1);
    offset = (page - last->page) >> PAGE_SHIFT;
    if (last->rights != rights || offset > last->pages)
        return false;
    if (offset < last->pages)
        return true; /* two buffers of one page: the first one's descriptor brings both */
    if (last->pages == ABI_DMA_MAX_PAGES)
        return false;
    last->pages++;
    return true;
}

static void add_miss(struct dma_burst *b, uint64_t page, uint32_t rights)
{
    if (joins_last(b, page, rights))
        return;
    *ring_at(b->descs++) = (struct abi_dma_desc){
        .op = ABI_DMA_OP_MAP, .rights = (uint8_t)rights, .pages = 1, .iova = page, .page = page};
}

uint64_t dma_burst_map(struct dma_burst *b, uint64_t address, uint32_t rights)
{
    if (detours) {
        trace_map(address, rights);
        if (has_window)
            return dma_window_map(b, address, rights);
    }

    uint32_t index = index_of(address);
    uint32_t *word = word_of(index);
    uint32_t old = dma_word_take(words(), address);

    b->index[b->held++] = index;
    if (dma_word_is_hit(old, rights))
        return address;
    if ((old & rights) == rights) {
        __atomic_fetch_or(word, ABI_DMA_VISITED | ABI_DMA_TOUCHED, __ATOMIC_SEQ_CST);
        return address;
    }
    __atomic_fetch_or(word, ABI_DMA_TOUCHED, __ATOMIC_SEQ_CST);
    b->missed++;
    add_miss(b, address & ~(uint64_t)((1u << PAGE_SHIFT) - 1), rights);
    return address;
}

static int commit_table(struct dma_burst *b)
{
    int error = b->descs ? (int)hyper_call(ABI_DMA_MAP, b->descs, 0) : 0;

    if (!error) {
        dma_counters.maps += b->held;
        dma_counters.misses += b->missed;
        return 0;
    }
    dma_counters.no_space += error == -ENOSPC;
    for (uint32_t i = 0; i < b->held; i++)
        __atomic_fetch_sub(word_of(b->index[i]), ABI_DMA_COUNT, __ATOMIC_SEQ_CST);
    return error;
}

int dma_burst_commit(struct dma_burst *b)
{
    int error = has_window ? dma_window_commit(b) : commit_table(b);

    if (error)
        trace_forget();
    return error;
}

void dma_unmap(uint64_t at)
{
    if (detours) {
        trace_unmap(has_window ? dma_window_address(at) : at);
        if (has_window) {
            dma_window_unmap(at);
            return;
        }
    }
    dma_word_give(words(), at);
    dma_counters.unmaps++;
}

void dma_flush(void)
{
    if (has_window)
        dma_window_flush();
}

void dma_pretouch(const void *start, uint32_t pages, uint32_t rights)
{
    uint64_t at[DMA_BURST_PAGES];
    struct dma_burst b;
    uint32_t n;

    for (uint32_t first = 0; first < pages; first += n) {
        uint64_t address = (uintptr_t)start + ((uint64_t)first << PAGE_SHIFT);

        n = pages - first < DMA_BURST_PAGES ? pages - first : DMA_BURST_PAGES;
        dma_burst_begin(&b);
        for (uint32_t i = 0; i < n; i++)
            at[i] = dma_burst_map(&b, address + ((uint64_t)i << PAGE_SHIFT), rights);
        /* A refusal loses nothing: these pages then miss when they are used. */
        if (dma_burst_commit(&b))
            return;
        for (uint32_t i = 0; i < n; i++)
            dma_unmap(at[i]);
    }
}

void dma_touched_reset(void)
{
    for (uint32_t i = 0; i < table_pages(); i++) {
        uint32_t *word = word_of(i);

        if (__atomic_load_n(word, __ATOMIC_RELAXED) >= ABI_DMA_COUNT)
            __atomic_fetch_or(word, ABI_DMA_TOUCHED, __ATOMIC_SEQ_CST);
        else
            __atomic_fetch_and(word, ~ABI_DMA_TOUCHED, __ATOMIC_SEQ_CST);
    }
}

uint64_t dma_touched_pages(void)
{
    uint64_t pages = 0;

    for (uint32_t i = 0; i < table_pages(); i++)
        pages += (__atomic_load_n(word_of(i), __ATOMIC_RELAXED) & ABI_DMA_TOUCHED) != 0;
    return pages;
}

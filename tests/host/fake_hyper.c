/* SPDX-License-Identifier: MIT */
#include "tests/host/fake_hyper.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "guest/console.h"
#include "guest/heap.h"
#include "guest/hyper.h"

struct fake_hyper fake_hyper;
const struct abi_boot *boot;

static struct abi_boot structure;
static uint8_t ram[FAKE_PAGES * 4096] __attribute__((aligned(4096)));
static uint32_t table[FAKE_PAGES];
static struct abi_dma_desc ring[ABI_DMA_BURST];
static uint64_t flushed;
static void *heap[64];
static uint32_t heaps;

void fake_hyper_reset(void)
{
    memset(&fake_hyper, 0, sizeof(fake_hyper));
    memset(table, 0, sizeof(table));
    memset(ring, 0, sizeof(ring));
    while (heaps)
        free(heap[--heaps]);
    structure = (struct abi_boot){.magic = ABI_MAGIC,
                                  .tsc_hz = 1000000000,
                                  .version = ABI_VERSION,
                                  .ram_base = (uintptr_t)ram,
                                  .ram_bytes = sizeof(ram),
                                  .heap_base = (uintptr_t)ram,
                                  .heap_bytes = sizeof(ram),
                                  .dma_table = (uintptr_t)table,
                                  .dma_ring = (uintptr_t)ring};
    boot = &structure;
}

void fake_hyper_window(enum abi_dma_mode mode, enum abi_dma_calls calls, const char *iova)
{
    bool identity = strcmp(iova, "identity") == 0;
    uint64_t stride = FAKE_PAGES * 4096ull;

    while (identity && stride < (uintptr_t)ram + sizeof ram)
        stride *= 2;
    structure.dma_mode = mode;
    structure.dma_calls = calls;
    structure.dma_flushed = (uintptr_t)&flushed;
    flushed = 0;
    structure.window = (struct abi_dma_window){identity ? (uintptr_t)ram : FAKE_WINDOW_AT, stride,
                                               FAKE_PAGES, identity ? 3 : 1};
    strncpy(structure.iova, iova, sizeof structure.iova - 1);
}

void *heap_pages(size_t pages)
{
    heap[heaps] = aligned_alloc(4096, pages * 4096);
    memset(heap[heaps], 0, pages * 4096);
    return heap[heaps++];
}

void fake_hyper_trace(struct abi_trace *trace)
{
    structure.trace = (uintptr_t)trace;
}

void fake_hyper_args(const char *args)
{
    strncpy(structure.args, args, sizeof(structure.args) - 1);
}

uint64_t fake_page(uint32_t index)
{
    return (uintptr_t)ram + index * 4096ull;
}

uint32_t *fake_word(uint32_t index)
{
    return &table[index];
}

const struct abi_dma_desc *fake_desc(uint32_t index)
{
    return &ring[index];
}

static uint32_t slot_of(uint64_t at)
{
    uint64_t offset = at - structure.window.base;

    return (uint32_t)(offset / structure.window.stride * FAKE_PAGES +
                      offset % structure.window.stride / 4096);
}

static int map_slot(uint32_t slot, uint32_t page)
{
    struct fake_hyper *h = &fake_hyper;

    if (slot >= FAKE_WINDOW || (h->frame_at[slot] && h->frame_at[slot] != page + 1))
        return -EEXIST;
    h->too_early += !h->frame_at[slot] && h->ready_after[slot] > flushed;
    h->frame_at[slot] = page + 1;
    h->counted[slot]++;
    h->maps++;
    return 0;
}

static int unmap_slot(uint32_t slot)
{
    struct fake_hyper *h = &fake_hyper;

    if (slot >= FAKE_WINDOW || !h->counted[slot])
        return -ENOENT;
    h->unmaps++;
    if (--h->counted[slot] == 0) {
        h->frame_at[slot] = 0;
        h->ready_after[slot] = ++h->left;
    }
    return 0;
}

/* The first error is a defect of the guest, which the test sees. */
static int64_t call_window(uint64_t descs)
{
    uint64_t limit = fake_hyper.refuse_map_after, wanted = 0;
    int error = 0;

    for (uint64_t i = 0; i < descs; i++)
        wanted += ring[i].op == ABI_DMA_OP_MAP ? ring[i].pages : 0;
    if (limit && wanted && fake_hyper.maps + wanted > limit)
        return -ENOSPC;
    for (uint64_t i = 0; i < descs; i++)
        for (uint32_t page = 0; page < ring[i].pages && !error; page++) {
            uint32_t slot = slot_of(ring[i].iova + page * 4096ull);
            uint64_t from = ring[i].page - (uintptr_t)ram;

            error = ring[i].op == ABI_DMA_OP_MAP ? map_slot(slot, (uint32_t)(from / 4096) + page)
                                                 : unmap_slot(slot);
        }
    if (fake_hyper.left > fake_hyper.deferred)
        flushed = fake_hyper.left - fake_hyper.deferred;
    return error;
}

static int64_t map(uint64_t descs)
{
    fake_hyper.calls++;
    fake_hyper.last_descs = descs;
    if (fake_hyper.map_error)
        return fake_hyper.map_error;
    if (structure.dma_mode != ABI_DMA_TABLE)
        return call_window(descs);
    for (uint64_t i = 0; i < descs; i++) {
        uint64_t first = (ring[i].page - (uintptr_t)ram) / 4096;

        for (uint64_t page = first; page < first + ring[i].pages; page++)
            table[page] |= ring[i].rights;
        fake_hyper.pages += ring[i].pages;
    }
    return 0;
}

int64_t hyper_call(uint64_t number, uint64_t first, uint64_t second)
{
    (void)second;
    return number == ABI_DMA_MAP ? map(first) : number == ABI_DMA_INIT ? 0 : -ENOSYS;
}

void say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(fake_hyper.said, sizeof(fake_hyper.said), format, args);
    va_end(args);
}

_Noreturn void fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(fake_hyper.said, sizeof(fake_hyper.said), format, args);
    va_end(args);
    longjmp(fake_hyper.failed, 1);
}

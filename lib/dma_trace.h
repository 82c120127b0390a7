/* SPDX-License-Identifier: MIT */
/*
 * The compact form of a trace of DMA maps, which build/host/mapsim replays: a header, then for each
 * event three numbers of 7 bits a byte, the lowest first: the time since the last event with the
 * operation in bit 0, the distance from the last event's page (zigzag), and pages with the
 * direction in the lowest three bits. About 4 bytes an event.
 */
#ifndef LIB_DMA_TRACE_H
#define LIB_DMA_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "kernel/abi.h"

#define DMA_TRACE_MAGIC        "SLTRACE1"
#define DMA_TRACE_HEADER_BYTES 32u
#define DMA_TRACE_EVENT_BYTES  30u /* at most */

/* By the number that stands for it: the device writes, it reads, coherent, both, not known. */
#define DMA_TRACE_DIRECTIONS "RTCB?"

struct dma_trace_event {
    uint64_t time_us;
    uint32_t page; /* from base on */
    uint32_t pages;
    uint32_t direction; /* index into DMA_TRACE_DIRECTIONS */
    bool unmaps;
};

/* What the last event leaves for the next; zeroes before the first. */
struct dma_trace_coder {
    uint64_t time_us;
    uint32_t page;
};

/* base: the address of page 0, in pages, a multiple of 8. */
void dma_trace_put_header(uint8_t to[DMA_TRACE_HEADER_BYTES], uint64_t events, uint64_t base,
                          uint64_t pages);
/* Returns the bytes written. A time before the last event's counts as that. */
size_t dma_trace_put(struct dma_trace_coder *c, const struct dma_trace_event *event,
                     uint8_t to[DMA_TRACE_EVENT_BYTES]);

/* ---- the guest's ring (kernel/abi.h) in that form ---- */

size_t dma_trace_ring_bytes(uint64_t events, uint64_t pages);

/* Whether the guest left it so that it can be read: all is inside of it and of the guest's pages.
 */
bool dma_trace_is_sound(const struct abi_trace *ring, uint64_t events, uint64_t pages);

struct dma_trace_reader {
    const struct abi_trace *ring;
    uint64_t base, pages;
    bool begun;
    uint32_t page, held; /* the mappings that were there before: how far they are read */
    uint64_t next;
    uint64_t time_us;
    struct dma_trace_coder coder;
};

/* ring: sound. base: of guest RAM, in pages. */
struct dma_trace_reader dma_trace_read(const struct abi_trace *ring, uint64_t base, uint64_t pages);
/* The next bytes of the form: at most room, which is DMA_TRACE_HEADER_BYTES at least. 0 at the end.
 */
size_t dma_trace_more(struct dma_trace_reader *r, uint8_t *to, size_t room);

#endif

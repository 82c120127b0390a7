/* SPDX-License-Identifier: MIT */
/* Files: plain or compressed; our own binary form is lib/dma_trace.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include "lib/dma_trace.h"
#include "tools/mapsim/trace.h"

struct header {
    char magic[8];
    uint64_t events, base;
    uint64_t pages;
};

static struct trace_input load_plain(FILE *from, const char *name)
{
    struct trace_input in = {0};
    size_t room = 0, got;

    do {
        if (room - in.count < 1 << 20) {
            room = 2 * room + (1 << 21);
            in.bytes = realloc(in.bytes, room);
            if (!in.bytes)
                die("%s: no memory for it", name);
        }
        got = fread(in.bytes + in.count, 1, room - in.count, from);
        in.count += got;
    } while (got > 0);
    if (ferror(from))
        die("%s: %s", name, strerror(errno));
    return in;
}

static struct trace_input decompress(struct trace_input in, const char *name)
{
    ZSTD_DStream *z = ZSTD_createDStream();
    ZSTD_inBuffer from = {in.bytes, in.count, 0};
    struct trace_input out = {0};
    size_t room = 0, left = 1;

    while (from.pos < from.size || left) {
        if (room - out.count < 1 << 20) {
            room = 2 * room + (1 << 22);
            out.bytes = realloc(out.bytes, room);
            if (!out.bytes)
                die("%s: no memory for it", name);
        }
        ZSTD_outBuffer to = {out.bytes, room, out.count};

        left = ZSTD_decompressStream(z, &to, &from);
        if (ZSTD_isError(left) || (left && from.pos == from.size && to.pos == out.count))
            die("%s: not a whole zstd file: %s", name,
                ZSTD_isError(left) ? ZSTD_getErrorName(left) : "it ends early");
        out.count = to.pos;
    }
    ZSTD_freeDStream(z);
    free(in.bytes);
    return out;
}

struct trace_input trace_load(const char *name)
{
    static const unsigned char zstd_magic[] = {0x28, 0xb5, 0x2f, 0xfd};
    FILE *file = fopen(name, "rb");

    if (!file)
        die("%s: %s", name, strerror(errno));
    struct trace_input in = load_plain(file, name);

    fclose(file);
    if (in.count >= 4 && memcmp(in.bytes, zstd_magic, 4) == 0)
        in = decompress(in, name);
    return in;
}

bool trace_is_binary(struct trace_input in)
{
    return in.count >= 8 && memcmp(in.bytes, DMA_TRACE_MAGIC, 8) == 0;
}

static uint64_t number(const struct trace *t, struct trace_input *in)
{
    uint64_t value = 0;

    for (unsigned shift = 0; in->count > 0 && shift < 64; shift += 7) {
        unsigned char byte = *in->bytes++;

        in->count--;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    die("%s: event %zu: the file is damaged or ends early", t->name, t->events + 1);
}

void trace_parse_binary(struct trace *t, struct trace_input in)
{
    struct header h;
    uint64_t time = 0, page = 0;

    if (in.count < sizeof h)
        die("%s: the file ends in its header", t->name);
    memcpy(&h, in.bytes, sizeof h);
    in.bytes += sizeof h;
    in.count -= sizeof h;
    if (h.pages == 0 || h.pages >= 1u << 26 || h.base % 8 || h.events == 0)
        die("%s: its header is damaged", t->name);
    t->base = h.base;
    t->pages = (uint32_t)h.pages;
    for (uint64_t i = 0; i < h.events; i++) {
        uint64_t first = number(t, &in), second = number(t, &in), third = number(t, &in);

        time += first >> 1;
        page += second >> 1 ^ -(second & 1);
        if (page >= h.pages || (third & 7) >= 5 || third >> 3 == 0 || third >> 3 > h.pages - page ||
            third >> 3 > UINT16_MAX)
            die("%s: event %zu: a page outside of the header's range, or no direction", t->name,
                t->events + 1);
        *trace_append(t) = (struct trace_event){.time_us = time,
                                                .page = (uint32_t)page,
                                                .pages = (uint16_t)(third >> 3),
                                                .op = first & 1 ? 'U' : 'M',
                                                .dir = DMA_TRACE_DIRECTIONS[third & 7]};
    }
}

bool trace_write_binary(const struct trace *t, FILE *to)
{
    struct dma_trace_coder coder = {0};
    uint8_t bytes[DMA_TRACE_HEADER_BYTES]; /* no event is longer */

    dma_trace_put_header(bytes, t->events, t->base, t->pages);
    fwrite(bytes, DMA_TRACE_HEADER_BYTES, 1, to);
    for (const struct trace_event *e = t->event; e < t->event + t->events; e++) {
        struct dma_trace_event event = {
            .time_us = e->time_us,
            .page = e->page,
            .pages = e->pages,
            .direction = (uint32_t)(strchr(DMA_TRACE_DIRECTIONS, e->dir) - DMA_TRACE_DIRECTIONS),
            .unmaps = e->op == 'U'};

        fwrite(bytes, dma_trace_put(&coder, &event, bytes), 1, to);
    }
    return !ferror(to);
}

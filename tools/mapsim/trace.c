/* SPDX-License-Identifier: MIT */
#include "tools/mapsim/trace.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("mapsim: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(2);
}

void *must_alloc(size_t bytes)
{
    void *memory = calloc(1, bytes ? bytes : 1);

    if (!memory)
        die("no memory for %zu bytes", bytes);
    return memory;
}

struct trace_event *trace_append(struct trace *t)
{
    if ((t->events & (t->events - 1)) == 0) { /* full at each power of two */
        t->event = realloc(t->event, (t->events ? 2 * t->events : 1) * sizeof *t->event);
        if (!t->event)
            die("%s: no memory for its events", t->name);
    }
    return &t->event[t->events++];
}

/* Takes the event's references; false for an unmap of what is not mapped. */
static bool count_event(const struct trace_event *e, uint32_t *count, uint32_t *in_use)
{
    if (e->op == 'U')
        for (uint32_t i = 0; i < e->pages; i++)
            if (count[e->page + i] == 0)
                return false;
    for (uint32_t i = 0; i < e->pages; i++) {
        uint32_t *c = &count[e->page + i];

        if (e->op == 'M')
            *in_use += (*c)++ == 0;
        else
            *in_use -= --*c == 0;
    }
    return true;
}

/* Leaves out what cannot be replayed, and measures the rest. */
static void measure(struct trace *t)
{
    uint32_t *count = must_alloc(t->pages * sizeof *count), in_use = 0;
    bool *known = must_alloc(t->pages);
    size_t kept = 0;

    for (size_t i = 0; i < t->events; i++) {
        struct trace_event e = t->event[i];

        if (!count_event(&e, count, &in_use)) {
            t->orphans++;
            continue;
        }
        t->event[kept++] = e;
        t->floor = in_use > t->floor ? in_use : t->floor;
        for (uint32_t j = 0; e.op == 'M' && j < e.pages; j++) {
            t->working_set += !known[e.page + j];
            known[e.page + j] = true;
            t->maps++;
        }
    }
    t->events = kept;
    free(count);
    free(known);
    if (t->maps == 0)
        die("%s: no map in it", t->name);
    if (t->maps >= UINT32_MAX)
        die("%s: more than 2^32 maps", t->name);
}

struct trace trace_read(const char *name)
{
    struct trace t = {.name = name};
    struct trace_input input = trace_load(name);

    if (trace_is_binary(input))
        trace_parse_binary(&t, input);
    else
        trace_parse_text(&t, input);
    free(input.bytes);
    measure(&t);
    if (t.orphans)
        fprintf(stderr, "mapsim: %s: %llu unmaps of pages that were not mapped are left out\n",
                name, (unsigned long long)t.orphans);
    return t;
}

uint32_t *trace_map_pages(const struct trace *t)
{
    uint32_t *page = must_alloc(t->maps * sizeof *page), n = 0;

    for (const struct trace_event *e = t->event; e < t->event + t->events; e++)
        for (uint32_t i = 0; e->op == 'M' && i < e->pages; i++)
            page[n++] = e->page + i;
    return page;
}

uint32_t *trace_next_uses(const struct trace *t)
{
    uint32_t *page = trace_map_pages(t);
    uint32_t *next = must_alloc(t->maps * sizeof *next);
    uint32_t *last = must_alloc(t->pages * sizeof *last);

    memset(last, 0xff, t->pages * sizeof *last);
    for (uint32_t i = (uint32_t)t->maps; i-- > 0;) {
        next[i] = last[page[i]];
        last[page[i]] = i;
    }
    free(last);
    free(page);
    return next;
}

static uint64_t next_access(uint32_t next)
{
    return next == UINT32_MAX ? UINT64_MAX : next;
}

static void put_little(FILE *to, uint64_t value, unsigned bytes)
{
    for (; bytes > 0; bytes--, value >>= 8)
        putc((int)(value & 0xff), to);
}

bool trace_write_oracle(const struct trace *t, FILE *to)
{
    uint32_t *next = trace_next_uses(t), n = 0;

    for (const struct trace_event *e = t->event; e < t->event + t->events; e++)
        for (uint32_t i = 0; e->op == 'M' && i < e->pages; i++, n++) {
            put_little(to, e->time_us / 1000000, 4);
            put_little(to, t->base + e->page + i, 8);
            put_little(to, 1, 4);
            put_little(to, next_access(next[n]), 8);
        }
    free(next);
    return !ferror(to);
}

bool trace_write_csv(const struct trace *t, FILE *to)
{
    uint32_t *next = trace_next_uses(t), n = 0;

    fputs("time,object,size,next_access\n", to);
    for (const struct trace_event *e = t->event; e < t->event + t->events; e++)
        for (uint32_t i = 0; e->op == 'M' && i < e->pages; i++, n++)
            fprintf(to, "%llu,%llu,1,%lld\n", (unsigned long long)(e->time_us / 1000000),
                    (unsigned long long)(t->base + e->page + i), (long long)next_access(next[n]));
    free(next);
    return !ferror(to);
}

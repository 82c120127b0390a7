/* SPDX-License-Identifier: MIT */
#include <string.h>
#include "tools/mapsim/trace.h"

#define PAGE        4096u
#define EVENT_PAGES 65535u

struct line {
    const char *at, *end;
    const char *name;
    size_t number;
};

static _Noreturn void bad(const struct line *l, const char *why)
{
    die("%s: line %zu: %s; a line is `t_us M iova paddr size dir off len` or `t_us U iova paddr "
        "size dir`",
        l->name, l->number, why);
}

static void skip_blanks(struct line *l)
{
    while (l->at < l->end && (*l->at == ' ' || *l->at == '\t' || *l->at == '\r'))
        l->at++;
}

static int digit(char c, unsigned base)
{
    int value = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : 99;

    return value < (int)base ? value : -1;
}

static uint64_t number(struct line *l, unsigned base, const char *what)
{
    uint64_t value = 0;
    const char *start;

    skip_blanks(l);
    for (start = l->at; l->at < l->end && digit(*l->at, base) >= 0; l->at++) {
        if (value > (UINT64_MAX - 15) / base)
            bad(l, what);
        value = value * base + (unsigned)digit(*l->at, base);
    }
    if (l->at == start || (l->at < l->end && *l->at != ' ' && *l->at != '\t' && *l->at != '\r'))
        bad(l, what);
    return value;
}

static char letter(struct line *l, const char *known, const char *what)
{
    skip_blanks(l);
    if (l->at == l->end || !strchr(known, *l->at) ||
        (l->at + 1 < l->end && l->at[1] != ' ' && l->at[1] != '\t' && l->at[1] != '\r'))
        bad(l, what);
    return *l->at++;
}

static void parse_pages(struct line *l, struct trace_event *e, uint64_t *first)
{
    number(l, 16, "the iova is no hexadecimal number");
    uint64_t address = number(l, 16, "the paddr is no hexadecimal number");
    uint64_t size = number(l, 10, "the size is no decimal number");

    if (address % PAGE)
        bad(l, "the paddr is not on a page boundary");
    if (size == 0 || size % PAGE)
        bad(l, "the size is not a multiple of 4096, or is 0");
    if (size / PAGE > EVENT_PAGES)
        bad(l, "the size is above 65535 pages");
    if (address > UINT64_MAX - size)
        bad(l, "paddr and size go beyond the last address");
    *first = address / PAGE;
    e->pages = (uint16_t)(size / PAGE);
}

/* The page is kept as it is until the lowest one is known. */
static void parse_event(struct trace *t, struct line *l, uint64_t *pfn)
{
    struct trace_event e = {.time_us = number(l, 10, "the time is no decimal number")};

    skip_blanks(l);
    if (l->at < l->end && *l->at == '#') /* a marker, as in `2411338 # WORKLOAD begin` */
        return;
    e.op = letter(l, "MU", "the operation is neither M nor U");
    parse_pages(l, &e, pfn);
    e.dir = letter(l, "RTCB?", "the direction is none of R, T, C, B, ?");
    if (e.op == 'M') {
        number(l, 16, "the offset is no hexadecimal number");
        number(l, 10, "the length is no decimal number");
    }
    skip_blanks(l);
    if (l->at != l->end)
        bad(l, "something follows the last field");
    *trace_append(t) = e;
}

static void rebase(struct trace *t, const uint64_t *pfn)
{
    uint64_t low = UINT64_MAX, high = 0;

    for (size_t i = 0; i < t->events; i++) {
        low = pfn[i] < low ? pfn[i] : low;
        high = pfn[i] + t->event[i].pages > high ? pfn[i] + t->event[i].pages : high;
    }
    if (t->events == 0)
        die("%s: no event in it", t->name);
    t->base = low & ~7ull;
    if (high - t->base >= 1u << 26)
        die("%s: its pages span %llu MiB, more than the 256 GiB a domain can have", t->name,
            (unsigned long long)((high - t->base) >> 8));
    t->pages = (uint32_t)(high - t->base);
    for (size_t i = 0; i < t->events; i++)
        t->event[i].page = (uint32_t)(pfn[i] - t->base);
}

void trace_parse_text(struct trace *t, struct trace_input input)
{
    const char *at = (const char *)input.bytes, *end = at + input.count;
    struct line l = {.name = t->name};
    uint64_t *pfn = must_alloc((input.count / 16 + 1) * sizeof *pfn);

    for (; at < end; at = l.end + 1) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));

        l.at = at;
        l.end = newline ? newline : end;
        l.number++;
        skip_blanks(&l);
        if (l.at == l.end || *l.at == '#')
            continue;
        parse_event(t, &l, &pfn[t->events]);
    }
    rebase(t, pfn);
}

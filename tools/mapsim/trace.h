/* SPDX-License-Identifier: MIT */
/*
 * A recorded trace in memory. Read from text (one event a line: `t_us M iova paddr size dir off
 * len` or `t_us U iova paddr size dir`) or from our own binary form (trace_write_binary), either of
 * them as it is or compressed by zstd.
 */
#ifndef TOOLS_MAPSIM_TRACE_H
#define TOOLS_MAPSIM_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct trace_event {
    uint64_t time_us;
    uint32_t page;  /* (paddr >> 12) - base */
    uint16_t pages; /* consecutive */
    char op;        /* 'M' or 'U' */
    char dir;       /* R the device writes, T it reads, C coherent, B both, ? not known */
};

struct trace {
    const char *name; /* as given */
    struct trace_event *event;
    size_t events;
    uint64_t base;  /* in pages; a multiple of a region */
    uint32_t pages; /* from base to the last page there is */
    uint64_t maps;  /* pages mapped in all */
    uint32_t floor; /* most pages in use at once */
    uint32_t working_set;
    uint64_t orphans; /* unmaps of what was never mapped: left out */
};

/* Ends the program with status 2 and one line when the trace cannot be read. */
struct trace trace_read(const char *name);

/* These return false when the file cannot be written. */
bool trace_write_binary(const struct trace *t, FILE *to);
/* libCacheSim's: packed { u32 time, u64 object, u32 size, i64 next access }, an object a page, an
 * access a map; next access counts accesses, -1 for none. */
bool trace_write_oracle(const struct trace *t, FILE *to);
bool trace_write_csv(const struct trace *t, FILE *to); /* time,object,size,next_access */

/* next[i]: the map that uses the i-th map's page again, or UINT32_MAX. */
uint32_t *trace_next_uses(const struct trace *t);
/* The pages of all maps, in order. */
uint32_t *trace_map_pages(const struct trace *t);

/* ---- between the readers ---- */
struct trace_input {
    unsigned char *bytes;
    size_t count;
};

struct trace_input trace_load(const char *name);
void trace_parse_text(struct trace *t, struct trace_input input);
void trace_parse_binary(struct trace *t, struct trace_input input);
bool trace_is_binary(struct trace_input input);
struct trace_event *trace_append(struct trace *t);

_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));
void *must_alloc(size_t bytes);

#endif

/* SPDX-License-Identifier: MIT */
#include "kernel/archive.h"

#include <string.h>

/* A ring of texts, each with its final 0; one may wrap around the end. */
static struct {
    char *memory;
    size_t bytes, begin, used;
    uint64_t first, last; /* sequence numbers */
    uint64_t at_number;   /* where a reader went on last: records are asked for in order */
    size_t at;
} ring = {.first = 1};

void archive_init(void *memory, size_t bytes)
{
    ring.memory = memory;
    ring.bytes = bytes;
    ring.begin = ring.used = ring.at = 0;
    ring.first = 1;
    ring.last = 0;
    ring.at_number = 1;
}

static size_t next(size_t at)
{
    return at + 1 == ring.bytes ? 0 : at + 1;
}

static size_t behind_text(size_t at)
{
    while (ring.memory[at] != 0)
        at = next(at);
    return next(at);
}

static void drop_first(void)
{
    size_t end = behind_text(ring.begin);

    ring.used -= end > ring.begin ? end - ring.begin : end + ring.bytes - ring.begin;
    ring.begin = end;
    ring.first++;
    if (ring.at_number < ring.first) {
        ring.at_number = ring.first;
        ring.at = ring.begin;
    }
}

/* What is too large for all of the room leaves nothing but a gap in the numbers. */
void archive_add(const char *text)
{
    size_t length = strlen(text) + 1, at;

    while (ring.first <= ring.last && ring.bytes - ring.used < length)
        drop_first();
    ring.last++;
    if (length > ring.bytes) {
        ring.first = ring.last + 1;
        ring.at_number = ring.first;
        ring.at = ring.begin;
        return;
    }
    at = (ring.begin + ring.used) % ring.bytes;
    for (size_t i = 0; i < length; i++, at = next(at))
        ring.memory[at] = text[i];
    ring.used += length;
}

void archive_range(uint64_t *first, uint64_t *last)
{
    *first = ring.first;
    *last = ring.last;
}

const char *archive_get(uint64_t sequence, char *to, size_t size)
{
    if (sequence < ring.first || sequence > ring.last)
        return NULL;
    if (sequence < ring.at_number) {
        ring.at_number = ring.first;
        ring.at = ring.begin;
    }
    for (; ring.at_number < sequence; ring.at_number++)
        ring.at = behind_text(ring.at);
    for (size_t i = 0, at = ring.at; i < size; i++, at = next(at)) {
        to[i] = ring.memory[at];
        if (to[i] == 0)
            return to;
    }
    return NULL;
}

/* SPDX-License-Identifier: MIT */
#include "tests/host/fake_memory.h"

#include <stdlib.h>
#include "kernel/acpi.h"
#include "tests/host/random.h"

#define PIECES 32

struct copy {
    struct copy *next;
    void *data;
};

static struct {
    uint64_t base;
    const uint8_t *data;
    size_t bytes;
} pieces[PIECES];
static size_t count;
static struct copy *copies;

void fake_memory_add(uint64_t base, const void *data, size_t bytes)
{
    if (count == PIECES)
        abort();
    pieces[count].base = base;
    pieces[count].data = data;
    pieces[count++].bytes = bytes;
}

void fake_memory_reset(void)
{
    count = 0;
    while (copies != NULL) {
        struct copy *c = copies;

        copies = c->next;
        free(c->data);
        free(c);
    }
}

const void *acpi_map(hpa_t p, uint64_t bytes)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t at = p.v - pieces[i].base;
        struct copy *c;

        if (p.v < pieces[i].base || at > pieces[i].bytes || bytes > pieces[i].bytes - at)
            continue;
        c = malloc(sizeof *c);
        if (c == NULL)
            abort();
        c->data = exact_copy(pieces[i].data + at, bytes);
        c->next = copies;
        copies = c;
        return c->data;
    }
    return NULL;
}

/* SPDX-License-Identifier: MIT */
#include "guest/file.h"

#include "guest/heap.h"
#include "guest/random.h"

#define FACTOR    0x9e3779b1u
#define LAP_WORDS (1u << 20)
#define SHIFT     1021u

static uint8_t *memory;
static uint32_t *place_of; /* of each of the file's pages, in pages of memory */
static uint64_t file_bytes;

/* Fisher and Yates: every order is as likely as any other. */
static void shuffle(uint32_t pages)
{
    for (uint32_t i = 0; i < pages; i++)
        place_of[i] = i;
    for (uint32_t left = pages; left > 1; left--) {
        uint32_t other = random_next() % left, place = place_of[left - 1];

        place_of[left - 1] = place_of[other];
        place_of[other] = place;
    }
}

void file_make(uint64_t bytes)
{
    uint32_t pages = (uint32_t)pages_of(bytes);
    uint64_t run;

    memory = heap_pages(pages);
    place_of = heap_pages(pages_of(pages * sizeof(*place_of)));
    file_bytes = bytes;
    shuffle(pages);
    for (uint32_t i = 0; i < bytes / 4; i++)
        *(uint32_t *)(void *)(uintptr_t)file_at((uint64_t)i * 4, &run) =
            (i + i / LAP_WORDS * SHIFT) % LAP_WORDS * FACTOR;
}

const uint8_t *file_at(uint64_t offset, uint64_t *run)
{
    uint64_t in_page = offset % PAGE_BYTES, left = file_bytes - offset;

    *run = PAGE_BYTES - in_page < left ? PAGE_BYTES - in_page : left;
    return memory + (uint64_t)place_of[offset / PAGE_BYTES] * PAGE_BYTES + in_page;
}

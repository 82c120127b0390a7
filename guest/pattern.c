/* SPDX-License-Identifier: MIT */
#include "guest/pattern.h"

#include "guest/heap.h"
#include "guest/load64.h"

#define FACTOR 0x9e3779b1u

static uint32_t *words;

const uint8_t *pattern(void)
{
    if (!words) {
        words = heap_pages(PATTERN_BYTES / PAGE_BYTES);
        for (uint32_t i = 0; i < PATTERN_BYTES / 4; i++)
            words[i] = i * FACTOR;
    }
    return (const uint8_t *)words;
}

size_t equal_bytes(const uint8_t *a, const uint8_t *b, size_t bytes)
{
    size_t i = 0;

    while (bytes - i >= 8 && load64(a + i) == load64(b + i))
        i += 8;
    while (i < bytes && a[i] == b[i])
        i++;
    return i;
}

size_t pattern_match(uint64_t offset, const uint8_t *data, size_t bytes)
{
    size_t done = 0;

    while (done < bytes) {
        size_t at = (offset + done) % PATTERN_BYTES, n = PATTERN_BYTES - at;

        n = n < bytes - done ? n : bytes - done;
        size_t same = equal_bytes(pattern() + at, data + done, n);
        done += same;
        if (same < n)
            break;
    }
    return done;
}

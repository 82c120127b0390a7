/* SPDX-License-Identifier: MIT */
/* Choices for property tests: from a seed, or from a fuzzer's bytes until they are used up. */
#ifndef TESTS_HOST_DRAW_H
#define TESTS_HOST_DRAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "tests/host/random.h"

struct draw {
    const uint8_t *bytes; /* NULL: pseudo-random */
    size_t left;
    uint64_t state; /* not 0 */
};

static inline struct draw draw_seed(uint64_t seed)
{
    return (struct draw){.state = seed * 0x9e3779b97f4a7c15u + 1};
}

static inline struct draw draw_bytes(const uint8_t *bytes, size_t count)
{
    return (struct draw){.bytes = bytes, .left = count};
}

static inline bool draw_is_over(const struct draw *d)
{
    return d->bytes && d->left == 0;
}

static inline uint32_t draw_u32(struct draw *d)
{
    uint32_t value = 0;

    if (!d->bytes)
        return (uint32_t)(random_next(&d->state) >> 32);
    for (int i = 0; i < 2 && d->left; i++, d->left--)
        value = value << 8 | *d->bytes++;
    return value;
}

/* 0..bound-1. */
static inline uint32_t draw(struct draw *d, uint32_t bound)
{
    return draw_u32(d) % bound;
}

static inline bool draw_one_in(struct draw *d, uint32_t n)
{
    return draw(d, n) == n - 1;
}

#endif

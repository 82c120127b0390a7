/* SPDX-License-Identifier: MIT */
/* The same numbers in each run: a failure repeats. */
#ifndef TESTS_HOST_RANDOM_H
#define TESTS_HOST_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Marsaglia's xorshift64; state must not be 0. */
static inline uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* 0..below-1. */
static inline uint32_t random_below(uint64_t *state, uint32_t below)
{
    return (uint32_t)((random_next(state) >> 16) % below);
}

static inline bool random_chance(uint64_t *state, uint32_t one_in)
{
    return random_below(state, one_in) == 0;
}

/* A byte as damage leaves it: a flipped bit, an extreme, a neighbour, or anything. */
static inline uint8_t random_damage(uint64_t *state, uint8_t byte)
{
    static const uint8_t extremes[] = {0, 1, 0x7f, 0x80, 0xfe, 0xff};

    switch (random_below(state, 4)) {
    case 0:
        return (uint8_t)(byte ^ 1u << random_below(state, 8));
    case 1:
        return extremes[random_below(state, sizeof extremes)];
    case 2:
        return (uint8_t)(byte + (random_chance(state, 2) ? 1 : 255));
    default:
        return (uint8_t)random_next(state);
    }
}

/* A copy that ends where its memory ends, so that AddressSanitizer sees one byte read too many. */
static inline void *exact_copy(const void *data, size_t bytes)
{
    void *copy = malloc(bytes);

    if (copy == NULL)
        abort();
    if (bytes > 0)
        memcpy(copy, data, bytes);
    return copy;
}

#endif

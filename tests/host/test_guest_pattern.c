/* SPDX-License-Identifier: MIT */
/* The pattern that both ends of a checked stream know, and the comparison with it. */
#include "tests/host/unit.h"

#include "guest/pattern.h"
#include "tests/host/random.h"

/* In place of the guest's heap. */
void *heap_pages(size_t pages);
void *heap_pages(size_t pages)
{
    return calloc(pages, 4096);
}

static void words_are_multiples(void **state)
{
    uint32_t word;

    (void)state;
    for (uint32_t i = 0; i < PATTERN_BYTES / 4; i += 4097) {
        memcpy(&word, pattern() + 4 * i, 4);
        assert_int_equal(word, i * 0x9e3779b1u);
    }
}

static void the_first_difference_is_found(void **state)
{
    uint64_t random = 7;
    uint8_t piece[300];

    (void)state;
    for (uint32_t round = 0; round < 20000; round++) {
        /* Often over the end of a lap. */
        uint64_t offset = random_chance(&random, 2)
                              ? random_next(&random) >> 20
                              : 5ull * PATTERN_BYTES - random_below(&random, 300);
        size_t bytes = random_below(&random, sizeof(piece) + 1), wrong = bytes;

        for (size_t i = 0; i < bytes; i++)
            piece[i] = pattern()[(offset + i) % PATTERN_BYTES];
        if (bytes && random_chance(&random, 2)) {
            wrong = random_below(&random, (uint32_t)bytes);
            piece[wrong] ^= 1u << random_below(&random, 8);
        }
        assert_int_equal(pattern_match(offset, piece, bytes), wrong);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_multiples),
        cmocka_unit_test(the_first_difference_is_found),
    };

    return cmocka_run_group_tests_name("guest_pattern", tests, NULL, NULL);
}

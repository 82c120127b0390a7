/* SPDX-License-Identifier: MIT */
/* Records kept in a ring: every one that is there is what was put in, and the oldest leave. */
#include "kernel/archive.h"

#include <stdio.h>
#include "tests/host/random.h"
#include "tests/host/unit.h"

#define TEXTS 2000

static char text[TEXTS + 1][64], got[64];
static uint64_t first, last;

static void holds(uint64_t a, uint64_t b)
{
    archive_range(&first, &last);
    assert_true(first == a && last == b);
}

static void without_memory(void **state)
{
    (void)state;
    archive_init(NULL, 0);
    holds(1, 0);
    archive_add("x");
    holds(2, 1);
    assert_null(archive_get(1, got, sizeof got));
}

static void what_is_too_long_leaves_a_gap(void **state)
{
    char *memory = test_malloc(8);

    (void)state;
    archive_init(memory, 8);
    archive_add("abc");
    archive_add("def"); /* just fits */
    holds(1, 2);
    archive_add("12345678");
    holds(4, 3);
    archive_add("1234567");
    holds(4, 4);
    assert_string_equal(archive_get(4, got, sizeof got), "1234567");
    assert_null(archive_get(4, got, 7)); /* no room for the 0 */
    test_free(memory);
}

/* Read in any order, between additions that push out others. */
static void all_that_is_there_is_right(void **state)
{
    uint64_t seed = 5;

    (void)state;
    for (int round = 0; round < 20; round++) {
        size_t bytes = 64 + random_below(&seed, 2000);
        char *memory = test_malloc(bytes);

        archive_init(memory, bytes);
        for (uint64_t n = 1; n <= TEXTS; n++) {
            snprintf(text[n], sizeof text[n], "%lu:%.*s", (unsigned long)n,
                     (int)random_below(&seed, 40), "........................................");
            archive_add(text[n]);
            archive_range(&first, &last);
            assert_true(last == n && first <= last);
            for (int i = 0; i < 3; i++) {
                uint64_t at = first + random_below(&seed, (uint32_t)(last - first + 1));

                assert_string_equal(archive_get(at, got, sizeof got), text[at]);
            }
            assert_null(archive_get(first - 1, got, sizeof got));
            assert_null(archive_get(last + 1, got, sizeof got));
        }
        /* As many as there is room for: one more of the longest would not fit. */
        size_t used = 0;

        for (uint64_t n = first; n <= last; n++)
            used += strlen(archive_get(n, got, sizeof got)) + 1;
        assert_in_range(used, bytes - 64, bytes);
        test_free(memory);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory),
        cmocka_unit_test(what_is_too_long_leaves_a_gap),
        cmocka_unit_test(all_that_is_there_is_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

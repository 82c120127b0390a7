/* SPDX-License-Identifier: MIT */
/* Against the host's own snprintf, over random formats and arguments. */
#include "lib/fmt.h"

#include <limits.h>
#include <stdio.h>
#include "tests/host/random.h"
#include "tests/host/unit.h"

#define CONVERSIONS 4

static const uint64_t numbers[] = {0,          1,         9,          10,        127,
                                   128,        255,       256,        32767,     32768,
                                   65535,      65536,     INT_MAX,    1u << 31,  UINT32_MAX,
                                   1ull << 32, INT64_MAX, 1ull << 63, UINT64_MAX};
static const char *const texts[] = {"", "a", "00:03.0", "a text longer than most widths"};

static void add_flags(uint64_t *seed, char *format, const char *flags)
{
    char one[16];

    strcat(format, "%");
    if (random_chance(seed, 2))
        strncat(format, flags + random_below(seed, (uint32_t)strlen(flags) + 1), 1);
    if (random_chance(seed, 2)) {
        snprintf(one, sizeof one, "%u", 1 + random_below(seed, 40));
        strcat(format, one);
    }
}

/* Appends one conversion to format and returns its argument. */
static uint64_t add_conversion(uint64_t *seed, char *format)
{
    static const char *const lengths[] = {"", "", "hh", "h", "l", "ll", "z"};
    static const char *const letters[] = {"d", "i", "u", "x", "X"};
    char one[16];

    switch (random_below(seed, 5)) {
    case 0:
        add_flags(seed, format, "-");
        if (random_chance(seed, 2)) {
            snprintf(one, sizeof one, ".%u", random_below(seed, 12));
            strcat(format, one);
        }
        strcat(format, "s");
        return (uintptr_t)texts[random_below(seed, 4)];
    case 1:
        add_flags(seed, format, "-");
        strcat(format, random_chance(seed, 2) ? "c" : "p");
        return 1 + random_below(seed, 126);
    default:
        add_flags(seed, format, "0-");
        strcat(format, lengths[random_below(seed, 7)]);
        strcat(format, letters[random_below(seed, 5)]);
        return random_chance(seed, 2) ? random_next(seed) >> random_below(seed, 64)
                                      : numbers[random_below(seed, 19)];
    }
}

static void as_snprintf(void **state)
{
    uint64_t seed = 23;

    (void)state;
    for (int round = 0; round < 200000; round++) {
        char format[256] = "", want[512], *got;
        uint64_t arg[CONVERSIONS];
        size_t size = random_chance(&seed, 2) ? sizeof want : random_below(&seed, 60);
        int length;

        for (int i = 0; i < CONVERSIONS; i++) {
            strcat(format, random_chance(&seed, 4) ? "%%" : random_chance(&seed, 2) ? " at " : "");
            arg[i] = add_conversion(&seed, format);
        }
        memset(want, '#', sizeof want);
        length = snprintf(want, size, format, arg[0], arg[1], arg[2], arg[3]);
        got = malloc(size); /* exact: one byte too many is seen */
        assert_int_equal(fmt_snprintf(got, size, format, arg[0], arg[1], arg[2], arg[3]), length);
        if (size > 0)
            assert_string_equal(got, want);
        free(got);
    }
}

static void stars_and_nothing(void **state)
{
    const char *volatile none = NULL; /* hidden from the compiler's format check */
    char got[64];

    (void)state;
    assert_int_equal(fmt_snprintf(got, sizeof got, "[%*d|%-*d|%.*s]", 5, 42, 5, 42, 3, "abcdef"),
                     17);
    assert_string_equal(got, "[   42|42   |abc]");
    fmt_snprintf(got, sizeof got, "[%*d]", -5, 42);
    assert_string_equal(got, "[42   ]");
    fmt_snprintf(got, sizeof got, "[%s]", none);
    assert_string_equal(got, "[(null)]");
    assert_int_equal(fmt_snprintf(NULL, 0, "%d", 12345), 5);
    assert_int_equal(fmt_snprintf(got, 1, "%d", 12345), 5);
    assert_string_equal(got, "");
}

/* %.Ns stops at N even where no 0 follows. */
static void precision_bounds_the_read(void **state)
{
    char *text = exact_copy("abc", 3), got[8];

    (void)state;
    fmt_snprintf(got, sizeof got, "%.3s", text);
    assert_string_equal(got, "abc");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_snprintf),
        cmocka_unit_test(stars_and_nothing),
        cmocka_unit_test(precision_bounds_the_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

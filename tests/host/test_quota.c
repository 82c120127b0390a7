/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include "kernel/cmdline.h"
#include "kernel/dma/dma.h"
#include "tests/host/random.h"
#include "tests/host/unit.h"

static void parse(void **state)
{
    static const struct {
        const char *text;
        int result;
        enum quota_kind kind;
        uint64_t value;
    } cases[] = {
        {"none", 0, QUOTA_NONE, 0},
        {"64M", 0, QUOTA_PAGES, 16384},
        {"4096", 0, QUOTA_PAGES, 1},
        {"0x2000", 0, QUOTA_PAGES, 2},
        {"10%", 0, QUOTA_PERCENT, 10},
        {"100%", 0, QUOTA_PERCENT, 100},
        {"w50%", 0, QUOTA_WORKING_SET, 50},
        {"w0%", 0, QUOTA_WORKING_SET, 0},
        {"w200%", 0, QUOTA_WORKING_SET, 200},
        {"", -EINVAL, 0, 0},
        {"0", -EINVAL, 0, 0},
        {"0M", -EINVAL, 0, 0},
        {"0%", -EINVAL, 0, 0},
        {"%", -EINVAL, 0, 0},
        {"w", -EINVAL, 0, 0},
        {"w%", -EINVAL, 0, 0},
        {"w50", -EINVAL, 0, 0},
        {"w50M", -EINVAL, 0, 0},
        {"10%%", -EINVAL, 0, 0},
        {"10%x", -EINVAL, 0, 0},
        {"-1%", -EINVAL, 0, 0},
        {"4097", -EINVAL, 0, 0},
        {"1000", -EINVAL, 0, 0},
        {"None", -EINVAL, 0, 0},
        {"noneM", -EINVAL, 0, 0},
        {"99999999999999999999", -ERANGE, 0, 0},
        {"99999999999999999999%", -ERANGE, 0, 0},
        {"999999999999999999999999999999%", -EINVAL, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct quota_spec spec = {QUOTA_PERCENT, 77};

        assert_int_equal(quota_parse(cases[i].text, &spec), cases[i].result);
        assert_int_equal(spec.kind, cases[i].result ? QUOTA_PERCENT : cases[i].kind);
        assert_int_equal(spec.value, cases[i].result ? 77 : cases[i].value);
    }
}

static int resolve(enum quota_kind kind, uint64_t value, uint64_t memory, uint64_t floor,
                   uint64_t working_set)
{
    struct quota_spec spec = {kind, value};
    uint32_t pages = 99;
    int bad = quota_resolve(spec, memory, floor, working_set, &pages);

    if (bad != 0)
        assert_int_equal(pages, 99);
    return bad ? bad : (int)pages;
}

static void resolve_each_kind(void **state)
{
    (void)state;
    assert_int_equal((uint32_t)resolve(QUOTA_NONE, 0, 1000, 10, 0), DMA_NO_QUOTA);
    assert_int_equal(resolve(QUOTA_PAGES, 5, 1000, 10, 0), 5); /* the floor is another's business */
    assert_int_equal(resolve(QUOTA_PAGES, 1000, 1000, 10, 0), 1000);
    assert_int_equal(resolve(QUOTA_PAGES, 1001, 1000, 10, 0), -EINVAL);
    assert_int_equal(resolve(QUOTA_PAGES, 0, 1000, 10, 0), -EINVAL);
    assert_int_equal(resolve(QUOTA_PERCENT, 10, 1005, 10, 0), 100);
    assert_int_equal(resolve(QUOTA_PERCENT, 100, 1005, 10, 0), 1005);
    assert_int_equal(resolve(QUOTA_PERCENT, 101, 1005, 10, 0), -EINVAL);
    assert_int_equal(resolve(QUOTA_PERCENT, 1, 99, 10, 0), -EINVAL); /* rounds to nothing */
    assert_int_equal(resolve(QUOTA_WORKING_SET, 50, 1000, 100, 300), 200);
    assert_int_equal(resolve(QUOTA_WORKING_SET, 0, 1000, 100, 300), 100);
    assert_int_equal(resolve(QUOTA_WORKING_SET, 100, 1000, 100, 300), 300);
    assert_int_equal(resolve(QUOTA_WORKING_SET, 33, 1000, 100, 201), 133);
    assert_int_equal(resolve(QUOTA_WORKING_SET, 50, 1000, 100, 80), 100); /* W under the floor */
    assert_int_equal(resolve(QUOTA_WORKING_SET, 50, 1000, 100, 0), -EINVAL);
    assert_int_equal(resolve(QUOTA_WORKING_SET, 50, 150, 100, 300), -EINVAL);
}

/* Of any numbers: a quota is from 1 to the memory's pages and never the sign for none. */
static void resolve_never_overflows(void **state)
{
    static const uint64_t numbers[] = {0,
                                       1,
                                       2,
                                       99,
                                       100,
                                       101,
                                       16384,
                                       UINT32_MAX - 1,
                                       UINT32_MAX,
                                       1ull << 32,
                                       1ull << 40,
                                       UINT64_MAX / 100,
                                       UINT64_MAX / 100 + 1,
                                       UINT64_MAX - 1,
                                       UINT64_MAX};
    uint64_t seed = 3;

    (void)state;
    for (int round = 0; round < 100000; round++) {
        uint64_t n[4];
        uint32_t pages = 0;
        struct quota_spec spec;

        for (int i = 0; i < 4; i++)
            n[i] = random_chance(&seed, 4) ? random_next(&seed) >> random_below(&seed, 64)
                                           : numbers[random_below(&seed, 15)];
        spec = (struct quota_spec){1 + random_below(&seed, 3), n[0]};
        if (quota_resolve(spec, n[1], n[2], n[3], &pages) != 0)
            continue;
        assert_true(pages > 0 && pages <= n[1] && pages != DMA_NO_QUOTA);
        if (spec.kind == QUOTA_PAGES)
            assert_true(pages == n[0]);
        if (spec.kind == QUOTA_PERCENT)
            assert_true(pages == (uint64_t)((unsigned __int128)n[0] * n[1] / 100));
        if (spec.kind == QUOTA_WORKING_SET && n[3] > n[2])
            assert_true(pages == (uint64_t)(n[2] + (unsigned __int128)n[0] * (n[3] - n[2]) / 100));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse),
        cmocka_unit_test(resolve_each_kind),
        cmocka_unit_test(resolve_never_overflows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "kernel/command.h"

#include <errno.h>
#include "tests/host/unit.h"

static const struct command table[] = {
    {"help", "", ""}, {"results", "[FROM]", ""}, {"run", "[WORK]", ""}, {NULL, NULL, NULL}};

static char error[128];
static const char *rest;

static int find(const char *line)
{
    return command_find(line, table, &rest, error, sizeof error);
}

static void commands(void **state)
{
    (void)state;
    assert_int_equal(find("help"), 0);
    assert_int_equal(find("  help\t "), 0);
    assert_int_equal(find(" results  3 4 "), 1);
    assert_string_equal(rest, "3 4 ");
    assert_int_equal(find("run"), 2);
    assert_string_equal(rest, "");
    assert_int_equal(find(""), -ENOENT);
    assert_int_equal(find(" \t "), -ENOENT);
}

static void errors(void **state)
{
    (void)state;
    assert_int_equal(find("help me"), -EINVAL);
    assert_says(error, "help takes nothing after it");
    assert_int_equal(find("reslts 3"), -EINVAL);
    assert_says(error, "reslts: no such command; did you mean results?");
    assert_int_equal(find("%%%%%%%%n"), -EINVAL);
    assert_says(error, "%%%%%%%%n: no such command; help lists them");
    assert_int_equal(find("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), -EINVAL);
}

static void numbers(void **state)
{
    uint64_t n[2] = {7, 8};

    (void)state;
    assert_int_equal(command_numbers("", n, 2), 0);
    assert_int_equal(n[0], 7);
    assert_int_equal(command_numbers("3", n, 2), 1);
    assert_int_equal(command_numbers(" 5  0x10 ", n, 2), 2);
    assert_true(n[0] == 5 && n[1] == 16);
    assert_int_equal(command_numbers("1 2 3", n, 2), -EINVAL);
    assert_int_equal(command_numbers("1 x", n, 2), -EINVAL);
    assert_int_equal(command_numbers("-1", n, 2), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands),
        cmocka_unit_test(errors),
        cmocka_unit_test(numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* One name of work=, with and without arguments of its own. */
#include "tests/host/unit.h"

#include "kernel/work.h"

static void names_and_arguments_are_right(void **state)
{
    (void)state;
    assert_true(work_is_right("tcp_rx"));
    assert_true(work_is_right("tcp_rx:msg=64"));
    assert_true(work_is_right("http:path=/64k:bytes=8M:ip=10.0.2.15/24"));
}

static void others_are_not(void **state)
{
    static const char *const wrong[] = {
        "",     ":",      "Tcp",    "a b",     "a\"",    "a:",     "a:b",     "a:b=",
        "a:=b", "a:b=c:", "a::b=c", "a:b=c=d", "a:b=\"", "a:b=\n", "a:b=c d", "a:B=c"};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (work_is_right(wrong[i]))
            fail_msg("\"%s\" should be wrong", wrong[i]);
}

static void a_name_is_cut_from_its_arguments(void **state)
{
    char plain[] = "echo", two[] = "tcp_tx:msg=64:bytes=8M";
    const char *args;

    (void)state;
    assert_null(work_split(plain));
    assert_string_equal(plain, "echo");
    args = work_split(two);
    assert_string_equal(two, "tcp_tx");
    assert_string_equal(args, "msg=64,bytes=8M");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_arguments_are_right),
        cmocka_unit_test(others_are_not),
        cmocka_unit_test(a_name_is_cut_from_its_arguments),
    };

    return cmocka_run_group_tests_name("work", tests, NULL, NULL);
}

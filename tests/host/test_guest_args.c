/* SPDX-License-Identifier: MIT */
/* The guest's arguments. */
#include "tests/host/unit.h"

#include "guest/args.h"
#include "tests/host/fake_hyper.h"

static int reset(void **state)
{
    (void)state;
    fake_hyper_reset();
    return 0;
}

static void text_is_found_by_its_whole_key(void **state)
{
    char text[8];

    (void)state;
    fake_hyper_args("work=tcp_rx,speer=no,peer=1.2.3.4:4600,p=,last=z");
    args_text("work", "idle", text, sizeof(text));
    assert_string_equal(text, "tcp_rx");
    args_text("peer", "", text, sizeof(text));
    assert_string_equal(text, "1.2.3.4"); /* cut to its room */
    args_text("p", "x", text, sizeof(text));
    assert_string_equal(text, "");
    args_text("last", "x", text, sizeof(text));
    assert_string_equal(text, "z");
    args_text("tcp_rx", "not a key", text, sizeof(text));
    assert_string_equal(text, "not a k");
}

static void numbers_have_units(void **state)
{
    (void)state;
    fake_hyper_args("a=0,b=64M,c=0x20,d=3K,e=2G,f=4095");
    assert_int_equal(args_number("a", 9), 0);
    assert_int_equal(args_number("b", 9), 64 << 20);
    assert_int_equal(args_number("c", 9), 32);
    assert_int_equal(args_number("d", 9), 3072);
    assert_int_equal(args_number("e", 9), 2ull << 30);
    assert_int_equal(args_number("f", 9), 4095);
    assert_int_equal(args_number("g", 9), 9);
}

static void refused(const char *args)
{
    fake_hyper_reset();
    fake_hyper_args(args);
    if (setjmp(fake_hyper.failed) == 0) {
        args_number("n", 1);
        fail_msg("\"%s\" was taken for a number", args);
    }
    assert_says(fake_hyper.said, "is not a number");
}

static void what_is_no_number_ends_the_guest(void **state)
{
    static const char *const wrong[] = {"n=",
                                        "n=x",
                                        "n=12q",
                                        "n=0x",
                                        "n=-1",
                                        "n=1MM",
                                        "n= 1",
                                        "n=1 M",
                                        "n=18446744073709551616",
                                        "n=17179869184G"};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        refused(wrong[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(text_is_found_by_its_whole_key, reset),
        cmocka_unit_test_setup(numbers_have_units, reset),
        cmocka_unit_test_setup(what_is_no_number_ends_the_guest, reset),
    };

    return cmocka_run_group_tests_name("guest_args", tests, NULL, NULL);
}

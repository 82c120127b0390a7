/* SPDX-License-Identifier: MIT */
#include "kernel/progress.h"

#include "kernel/log.h"
#include "kernel/time.h"
#include "tests/host/unit.h"

static uint64_t clock_us;
static char line[PROGRESS_TEXT];
static unsigned shown;

uint64_t time_us(void)
{
    return clock_us;
}

void log_status(const char *text)
{
    shown++;
    line[0] = 0;
    if (text)
        memcpy(line, text, strlen(text) + 1);
}

static void texts(void **state)
{
    struct progress p = {1, 20, 0, 20, 1500000, "echo direct"};
    char to[PROGRESS_TEXT];

    (void)state;
    assert_string_equal(progress_text(to, &p), "case 1 of 20, 0:01 gone: echo direct");
    p = (struct progress){5, 20, 4, 16, 100000000, "echo direct"};
    assert_string_equal(progress_text(to, &p),
                        "case 5 of 20, 1:40 gone, about 6:40 left: echo direct");
    p = (struct progress){4294967295u,
                          4294967295u,
                          1,
                          4294967295u,
                          36000000000ull,
                          "a workload of a long name on-demand with many values and others"};
    assert_true(strlen(progress_text(to, &p)) < sizeof to);
}

static void while_cases_run(void **state)
{
    (void)state;
    progress_begin(3, 2, false); /* resumed at the second */
    progress_case(2, "a");
    assert_string_equal(line, "case 2 of 3, 0:00 gone: a");
    progress_look();
    assert_int_equal(shown, 1);
    clock_us += 1000000;
    progress_look();
    assert_string_equal(line, "case 2 of 3, 0:01 gone: a");
    clock_us += 59000000;
    progress_case_done();
    progress_case(3, "b");
    assert_string_equal(line, "case 3 of 3, 1:00 gone, about 1:00 left: b");
    progress_case_done();
    progress_end();
    assert_string_equal(line, "");
    shown = 0;
    clock_us += 9000000;
    progress_look();
    progress_begin(1, 1, true);
    progress_case(1, "c");
    progress_look();
    progress_end();
    assert_int_equal(shown, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(while_cases_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

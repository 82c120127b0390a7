/* SPDX-License-Identifier: MIT */
/* What the guest's web server reads of a request: from clients that are polite and from others. */
#include "tests/host/unit.h"

#include "guest/http_request.h"
#include "tests/host/random.h"

static size_t length_of(const char *text)
{
    return http_request_length(text, strlen(text));
}

static bool kept(const char *text)
{
    return http_is_kept(text, strlen(text));
}

static void a_request_ends_at_the_empty_line(void **state)
{
    (void)state;
    assert_int_equal(length_of("GET / HTTP/1.1\r\n\r\n"), 18);
    assert_int_equal(length_of("GET / HTTP/1.1\r\n\r\nGET /4k HTTP/1.1\r\n\r\n"), 18);
    assert_int_equal(length_of("GET / HTTP/1.1\r\nHost: a\r\n"), 0);
    assert_int_equal(length_of("\r\n\r"), 0);
    assert_int_equal(length_of(""), 0);
}

static void connections_stay_by_version_and_header(void **state)
{
    (void)state;
    assert_true(kept("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_false(kept("GET / HTTP/1.1\r\nConnection: close\r\n\r\n"));
    assert_false(kept("GET / HTTP/1.0\r\n\r\n"));
    assert_true(kept("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
}

static void expect_path(const char *request, const char *want)
{
    char path[8];

    http_path(request, strlen(request), path, sizeof(path));
    assert_string_equal(path, want);
}

static void the_path_is_that_of_a_get(void **state)
{
    (void)state;
    expect_path("GET /64k HTTP/1.1\r\n\r\n", "/64k");
    expect_path("GET /\r\n\r\n", "/");
    expect_path("GET /longer/than/that HTTP/1.1\r\n\r\n", "/longer");
    expect_path("POST /4k HTTP/1.1\r\n\r\n", "");
    expect_path("GET", "");
    expect_path("", "");
}

/* AddressSanitizer watches the copy's end. */
static void any_bytes_are_read_within_bounds(void **state)
{
    static const char *const pieces[] = {
        "GET ", "/", "\r\n", "\r\n\r\n", "connection: ", "close", " http/", "1.1", "x", "\xff"};
    uint64_t random = 3;

    (void)state;
    for (uint32_t round = 0; round < 20000; round++) {
        char text[128] = "", path[16];

        for (uint32_t i = random_below(&random, 8); i > 0; i--)
            strcat(text, pieces[random_below(&random, sizeof(pieces) / sizeof(pieces[0]))]);
        size_t bytes = strlen(text);
        char *copy = exact_copy(text, bytes);
        assert_true(http_request_length(copy, bytes) <= bytes);
        http_is_kept(copy, bytes);
        http_path(copy, bytes, path, sizeof(path));
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_ends_at_the_empty_line),
        cmocka_unit_test(connections_stay_by_version_and_header),
        cmocka_unit_test(the_path_is_that_of_a_get),
        cmocka_unit_test(any_bytes_are_read_within_bounds),
    };

    return cmocka_run_group_tests_name("guest_http", tests, NULL, NULL);
}

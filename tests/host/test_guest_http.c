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

static unsigned refusal(const char *text)
{
    return http_refusal(text, strlen(text));
}

static void what_is_no_get_is_refused(void **state)
{
    (void)state;
    assert_int_equal(refusal("GET / HTTP/1.1\r\n\r\n"), 0);
    assert_int_equal(refusal("GET /a?b=%20 HTTP/1.0\r\n\r\n"), 0);
    assert_int_equal(refusal("POST / HTTP/1.1\r\n\r\n"), 405);
    assert_int_equal(refusal("GETS / HTTP/1.1\r\n\r\n"), 405);
    assert_int_equal(refusal("get / HTTP/1.1\r\n\r\n"), 405);
    assert_int_equal(refusal("GET / HTTP/1.2\r\n\r\n"), 400);
    assert_int_equal(refusal("GET /"), 400);
    assert_int_equal(refusal("GET x HTTP/1.1\r\n\r\n"), 400);
    assert_int_equal(refusal("GET /a b HTTP/1.1\r\n\r\n"), 400);
    assert_int_equal(refusal("GET / HTTP/1.1"), 400);
    assert_int_equal(refusal(" / HTTP/1.1\r\n\r\n"), 400);
    assert_int_equal(refusal(""), 400);
}

static enum http_range range(const char *value, uint64_t *first, uint64_t *count)
{
    char text[128] = "GET / HTTP/1.1\r\nRange: bytes=";

    strcat(text, value);
    strcat(text, "\r\n\r\n");
    return http_range_of(text, strlen(text), 100, first, count);
}

/* Of a page of 100 bytes. */
static void a_range_is_the_bytes_that_are_there(void **state)
{
    static const struct {
        const char *value;
        uint64_t first, count;
    } parts[] = {{"0-0", 0, 1},
                 {"0-99", 0, 100},
                 {"99-", 99, 1},
                 {"10-500", 10, 90},
                 {"-1", 99, 1},
                 {"-500", 0, 100},
                 {"5-18446744073709551615", 5, 95}};
    uint64_t first, count;

    (void)state;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        assert_int_equal(range(parts[i].value, &first, &count), HTTP_PART);
        assert_int_equal(first, parts[i].first);
        assert_int_equal(count, parts[i].count);
    }
}

static void other_ranges_are_beyond_or_none(void **state)
{
    static const char *const none[] = {"",
                                       "-",
                                       "5",
                                       "5-4",
                                       "1-2,4-5",
                                       "a-b",
                                       "1-2 ",
                                       "18446744073709551616-",
                                       "0-18446744073709551616"};
    static const char *const beyond[] = {"100-", "100-200", "18446744073709551615-", "-0"};
    static const char plain[] = "GET / HTTP/1.1\r\n\r\n";
    uint64_t first, count;

    (void)state;
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        assert_int_equal(range(none[i], &first, &count), HTTP_WHOLE);
    for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++)
        assert_int_equal(range(beyond[i], &first, &count), HTTP_BEYOND);
    assert_int_equal(http_range_of(plain, strlen(plain), 100, &first, &count), HTTP_WHOLE);
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
        cmocka_unit_test(what_is_no_get_is_refused),
        cmocka_unit_test(a_range_is_the_bytes_that_are_there),
        cmocka_unit_test(other_ranges_are_beyond_or_none),
        cmocka_unit_test(any_bytes_are_read_within_bounds),
    };

    return cmocka_run_group_tests_name("guest_http", tests, NULL, NULL);
}

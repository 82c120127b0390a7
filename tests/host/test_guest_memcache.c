/* SPDX-License-Identifier: MIT */
/* memcached's protocol, fed as a network would: whole, and byte by byte. */
#include "tests/host/unit.h"

#include <stdio.h>
#include "guest/memcache_session.h"
#include "tests/host/random.h"

#define STORE MEMCACHE_STORE_MIN

static uint8_t memory[STORE] __attribute__((aligned(8)));
static char said[1 << 18];
static size_t length;
static unsigned room = UINT32_MAX; /* pieces */
static struct memcache_session session;

static void put(void *to, const char *data, size_t bytes, struct memcache_item *item)
{
    (void)to;
    assert_true(length + bytes < sizeof(said));
    memcpy(said + length, data, bytes);
    length += bytes;
    said[length] = 0;
    room--;
    if (item)
        memcache_release(item);
}

static bool has_room(void *to)
{
    (void)to;
    return room >= 2;
}

static int reset(void **state)
{
    (void)state;
    memcache_store_init(memory, STORE);
    session = (struct memcache_session){.put = put, .has_room = has_room};
    room = UINT32_MAX;
    length = 0;
    said[0] = 0;
    return 0;
}

static void expect(const char *input, const char *output)
{
    size_t bytes = strlen(input);

    length = 0;
    said[0] = 0;
    for (size_t used = 0; used < bytes; used++)
        assert_int_equal(memcache_feed(&session, input + used, 1), 1);
    assert_string_equal(said, output);
    assert_true(memcache_store_is_valid());
}

static void what_is_set_is_got(void **state)
{
    (void)state;
    expect("set a 7 0 3\r\nabc\r\n", "STORED\r\n");
    expect("get a\r\n", "VALUE a 7 3\r\nabc\r\nEND\r\n");
    expect("set a 4294967295 0 0\r\n\r\n", "STORED\r\n");
    expect("get a b a\r\n", "VALUE a 4294967295 0\r\n\r\nVALUE a 4294967295 0\r\n\r\nEND\r\n");
    expect("delete a\r\ndelete a\r\nget a\r\n", "DELETED\r\nNOT_FOUND\r\nEND\r\n");
    expect("set b 0 0 4 noreply\r\n\r\n\r\n\r\nget b\r\n", "VALUE b 0 4\r\n\r\n\r\n\r\nEND\r\n");
}

static void numbers_count(void **state)
{
    (void)state;
    expect("set n 5 0 1\r\n9\r\nincr n 1\r\nget n\r\n",
           "STORED\r\n10\r\nVALUE n 5 2\r\n10\r\nEND\r\n");
    expect("decr n 11\r\nincr n 18446744073709551615\r\nincr n 1\r\n",
           "0\r\n18446744073709551615\r\n0\r\n");
    expect("incr x 1\r\nset n 0 0 21\r\n184467440737095516150\r\nincr n 1\r\n",
           "NOT_FOUND\r\nSTORED\r\n"
           "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n");
}

static void noreply_is_silent(void **state)
{
    (void)state;
    expect("set a 0 0 1 noreply\r\n1\r\nincr a 1 noreply\r\nadd a 0 0 1 noreply\r\n9\r\n"
           "replace b 0 0 1 noreply\r\n9\r\nflush_all 0 noreply\r\ndelete a noreply\r\nget a\r\n",
           "END\r\n");
}

/* A set that is thrown away, or refused, leaves what was there alone. */
static void a_value_counts_once_it_is_whole(void **state)
{
    char text[128];

    (void)state;
    expect("set a 0 0 3\r\nold\r\n", "STORED\r\n");
    expect("set a 0 0 3\r\nnewer\r\nget a\r\n",
           "CLIENT_ERROR bad data chunk\r\nVALUE a 0 3\r\nold\r\nEND\r\n");
    expect("set a 0 0 5\r\nab", "");
    memcache_session_end(&session);
    session.state = MEMCACHE_COMMAND;
    expect("get a\r\n", "VALUE a 0 3\r\nold\r\nEND\r\n");
    snprintf(text, sizeof text, "set a 0 0 %u\r\n", MEMCACHE_VALUE_MAX + 1);
    expect(text, "SERVER_ERROR object too large for cache\r\n");
    for (unsigned i = 0; i < MEMCACHE_VALUE_MAX + 3; i++)
        assert_int_equal(memcache_feed(&session, "\n", 1), 1);
    expect("get a\r\n", "VALUE a 0 3\r\nold\r\nEND\r\n");
}

/* Without room for answers nothing is read, and nothing is lost. */
static void it_waits_for_room(void **state)
{
    static const char input[] = "set a 0 0 1\r\nx\r\nget a a a\r\nversion\r\n";
    size_t used = 0;

    (void)state;
    for (unsigned turns = 0; used < sizeof(input) - 1; turns++) {
        assert_in_range(turns, 0, 20);
        room = 3; /* one command, or one key, each time */
        used += memcache_feed(&session, input + used, sizeof(input) - 1 - used);
        assert_in_range(room, 0, 3);
    }
    assert_string_equal(said,
                        "STORED\r\nVALUE a 0 1\r\nx\r\nVALUE a 0 1\r\nx\r\nVALUE a 0 1\r\nx\r\n"
                        "END\r\nVERSION 1.0.0\r\n");
    room = 0;
    assert_int_equal(memcache_feed(&session, "version\r\n", 9), 0);
}

static void nothing_is_read_after_quit(void **state)
{
    (void)state;
    assert_int_equal(memcache_feed(&session, "quit\r\nversion\r\n", 15), 6);
    assert_true(session.quit);
    assert_int_equal(length, 0);
}

/* Items that are being sent stay as they are, however many others want their room. */
static void what_is_in_use_does_not_change(void **state)
{
    struct memcache_item *kept;
    char text[64];

    (void)state;
    expect("set kept 0 0 4\r\nkept\r\n", "STORED\r\n");
    kept = memcache_find("kept", 4);
    memcache_hold(kept);
    for (unsigned i = 0; i < 40000; i++) {
        snprintf(text, sizeof text, "set k%u 0 0 1 noreply\r\nx\r\n", i);
        memcache_feed(&session, text, strlen(text));
    }
    assert_true(memcache_counters.evictions > 0);
    assert_memory_equal(kept->text, "VALUE kept 0 4\r\nkept\r\n", kept->bytes);
    memcache_flush();
    assert_false(kept->found);
    assert_memory_equal(kept->text, "VALUE kept 0 4\r\nkept\r\n", kept->bytes);
    memcache_release(kept);
    assert_true(memcache_store_is_valid());
}

/* All of a size in use: it is said, nothing breaks, and other sizes have room. */
static void a_full_store_says_so(void **state)
{
    struct memcache_item *held[64];
    unsigned n = 0;

    (void)state;
    while (n < 64 && (held[n] = memcache_new("k", 1, 0, 60000)))
        n++;
    assert_in_range(n, 2, STORE / 60000);
    expect("set a 0 0 60000\r\n", "SERVER_ERROR out of memory storing object\r\n");
    for (unsigned i = 0; i < 60002; i++)
        assert_int_equal(memcache_feed(&session, "x", 1), 1);
    expect("set a 0 0 1\r\nx\r\nget a\r\n", "STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n");
    while (n > 0)
        memcache_release(held[--n]);
    assert_true(memcache_store_is_valid());
    assert_non_null(memcache_new("k", 1, 0, 60000));
}

/* The store against a table that forgets nothing: never a wrong value, only a missing one. */
static void values_are_never_mixed_up(void **state)
{
    uint32_t sizes[200] = {0};
    uint64_t random = 5;

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        uint32_t which = random_below(&random, 200);
        char key[16];
        size_t n = (size_t)snprintf(key, sizeof key, "key%u", which);
        struct memcache_item *item = memcache_find(key, n);

        if (item) {
            assert_int_equal(memcache_value_bytes(item), sizes[which]);
            for (uint32_t at = 0; at < sizes[which]; at += 97)
                assert_int_equal((uint8_t)item->text[item->value + at], (uint8_t)(which + at));
        }
        if (random_below(&random, 3)) {
            uint32_t size = random_below(&random, 1u << random_below(&random, 17));
            item = memcache_new(key, n, which, size);
            assert_non_null(item);
            for (uint32_t at = 0; at < size; at++)
                item->text[item->value + at] = (char)(which + at);
            memcache_link(item);
            memcache_release(item);
            sizes[which] = size;
        }
        if (i % 100 == 0)
            assert_true(memcache_store_is_valid());
    }
    assert_true(memcache_counters.evictions > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_set_is_got, reset),
        cmocka_unit_test_setup(numbers_count, reset),
        cmocka_unit_test_setup(noreply_is_silent, reset),
        cmocka_unit_test_setup(a_value_counts_once_it_is_whole, reset),
        cmocka_unit_test_setup(it_waits_for_room, reset),
        cmocka_unit_test_setup(nothing_is_read_after_quit, reset),
        cmocka_unit_test_setup(what_is_in_use_does_not_change, reset),
        cmocka_unit_test_setup(a_full_store_says_so, reset),
        cmocka_unit_test_setup(values_are_never_mixed_up, reset),
    };

    return cmocka_run_group_tests_name("guest_memcache", tests, NULL, NULL);
}

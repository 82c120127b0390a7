/* SPDX-License-Identifier: MIT */
#include "kernel/cmdline.h"

#include <errno.h>
#include <stdio.h>
#include "tests/host/random.h"
#include "tests/host/unit.h"

static const struct cmdline_option options[] = {{"com1", ""},     {"loglevel", ""}, {"nic", ""},
                                                {"strategy", ""}, {"guest", ""},    {NULL, NULL}};

struct record {
    char text[4096]; /* "key=value;" and "?key~nearest;" for each call */
    size_t used;
};

static void append(struct record *r, const char *a, const char *b, const char *sep,
                   const char *mark)
{
    r->used += (size_t)snprintf(r->text + r->used, sizeof r->text - r->used, "%s%s%s%s;", mark, a,
                                b ? sep : "", b ? b : "");
}

static void seen(void *ctx, const char *key, const char *value)
{
    append(ctx, key, value, "=", "");
}

static void unknown(void *ctx, const char *key, const char *nearest)
{
    append(ctx, key, nearest, "~", "?");
}

static void parses_to(const char *text, const char *calls)
{
    struct record r = {.used = 0};

    assert_int_equal(cmdline_parse(text, options, seen, unknown, &r), 0);
    assert_string_equal(r.text, calls);
}

static void words_in_order(void **state)
{
    (void)state;
    parses_to("", "");
    parses_to("  \t\n ", "");
    parses_to("nic=auto", "nic=auto;");
    parses_to("  nic   com1=115200,8n1\tnic=\n", "nic;com1=115200,8n1;nic=;");
    parses_to("nic=a=b", "nic=a=b;");
}

static void quotes_keep_blanks(void **state)
{
    (void)state;
    parses_to("guest=\"a=1 b=2\" nic", "guest=a=1 b=2;nic;");
    parses_to("\"guest=a b\"", "guest=a b;");
    parses_to("guest=\"\"x\" \"y", "guest=x y;");
}

static void unknown_words_have_a_nearest(void **state)
{
    (void)state;
    parses_to("stratgy=direct", "?stratgy~strategy;");
    parses_to("/boot/sluice.elf32", "?/boot/sluice.elf32;");
    parses_to("com2=x", "?com2~com1;");
    parses_to("xyz", "?xyz;");
    parses_to("=x", "?;");
}

/* All or nothing: what stands before the damage is not acted on. */
static void damage_calls_nothing(void **state)
{
    char text[1024];
    struct record r = {.used = 0};

    (void)state;
    assert_int_equal(cmdline_parse("nic=a guest=\"b c", options, seen, unknown, &r), -EINVAL);
    assert_int_equal(r.used, strlen("nic=a;")); /* the words before the open quote count */
    r.used = 0;
    memset(text, 'x', sizeof text);
    memcpy(text, "nic=", 4);
    text[511] = 0;
    assert_int_equal(cmdline_parse(text, options, seen, unknown, &r), 0);
    assert_int_equal(r.used, strlen("nic=;") + 511 - 4);
    r.used = 0;
    text[511] = 'x';
    text[512] = 0;
    assert_int_equal(cmdline_parse(text, options, seen, unknown, &r), -E2BIG);
    memcpy(text + 500, "\" nic", 6);
    assert_int_equal(cmdline_parse(text, options, seen, unknown, &r), -EINVAL);
    assert_int_equal(r.used, 0);
}

static void pieces(void **state)
{
    char piece[8];

    (void)state;
    assert_true(cmdline_piece("a,bc,,d", 0, piece, sizeof piece));
    assert_string_equal(piece, "a");
    assert_true(cmdline_piece("a,bc,,d", 1, piece, sizeof piece));
    assert_string_equal(piece, "bc");
    assert_true(cmdline_piece("a,bc,,d", 2, piece, sizeof piece));
    assert_string_equal(piece, "");
    assert_true(cmdline_piece("a,bc,,d", 3, piece, sizeof piece));
    assert_string_equal(piece, "d");
    assert_false(cmdline_piece("a,bc,,d", 4, piece, sizeof piece));
    assert_true(cmdline_piece("a,", 1, piece, sizeof piece));
    assert_string_equal(piece, "");
    assert_true(cmdline_piece("0123456789,x", 0, piece, sizeof piece));
    assert_string_equal(piece, "0123456");
    assert_false(cmdline_piece("", 0, piece, sizeof piece));
    assert_false(cmdline_piece(NULL, 0, piece, sizeof piece));
}

static void numbers(void **state)
{
    static const struct {
        const char *text;
        int number, size; /* results */
        uint64_t as_number, as_size;
    } cases[] = {
        {"0", 0, 0, 0, 0},
        {"64", 0, 0, 64, 64},
        {"0x1fF", 0, 0, 0x1ff, 0x1ff},
        {"64K", -EINVAL, 0, 0, 65536},
        {"64m", -EINVAL, 0, 0, 64u << 20},
        {"1G", -EINVAL, 0, 0, 1u << 30},
        {"0x10M", -EINVAL, 0, 0, 16u << 20},
        {"18446744073709551615", 0, 0, UINT64_MAX, UINT64_MAX},
        {"18446744073709551616", -ERANGE, -ERANGE, 0, 0},
        {"99999999999999999999", -ERANGE, -ERANGE, 0, 0},
        {"0xffffffffffffffff", 0, 0, UINT64_MAX, UINT64_MAX},
        {"0x10000000000000000", -ERANGE, -ERANGE, 0, 0},
        {"17179869183G", -EINVAL, 0, 0, 17179869183ull << 30},
        {"17179869184G", -EINVAL, -ERANGE, 0, 0},
        {"", -EINVAL, -EINVAL, 0, 0},
        {"0x", -EINVAL, -EINVAL, 0, 0},
        {"K", -EINVAL, -EINVAL, 0, 0},
        {"-1", -EINVAL, -EINVAL, 0, 0},
        {"+1", -EINVAL, -EINVAL, 0, 0},
        {" 1", -EINVAL, -EINVAL, 0, 0},
        {"1 ", -EINVAL, -EINVAL, 0, 0},
        {"64MB", -EINVAL, -EINVAL, 0, 0},
        {"64MK", -EINVAL, -EINVAL, 0, 0},
        {"12x", -EINVAL, -EINVAL, 0, 0},
        {"99999999999999999999x", -EINVAL, -EINVAL, 0, 0},
        {"1T", -EINVAL, -EINVAL, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t n = 12345, s = 12345;

        assert_int_equal(cmdline_number(cases[i].text, &n), cases[i].number);
        assert_true(n == (cases[i].number ? 12345 : cases[i].as_number));
        assert_int_equal(cmdline_size(cases[i].text, &s), cases[i].size);
        assert_true(s == (cases[i].size ? 12345 : cases[i].as_size));
    }
}

/* Edit distance by its recursive definition, for short words. */
static size_t distance(const char *a, const char *b)
{
    size_t least, other;

    if (*a == 0)
        return strlen(b);
    if (*b == 0)
        return strlen(a);
    least = distance(a + 1, b + 1) + (*a != *b);
    other = distance(a + 1, b) + 1;
    least = other < least ? other : least;
    other = distance(a, b + 1) + 1;
    return other < least ? other : least;
}

static void random_word(uint64_t *seed, char *word)
{
    size_t length = random_below(seed, 7);

    for (size_t i = 0; i < length; i++)
        word[i] = (char)('a' + random_below(seed, 3));
    word[length] = 0;
}

static void nearest_is_the_nearest(void **state)
{
    uint64_t seed = 1;

    (void)state;
    for (int round = 0; round < 3000; round++) {
        char name[8], word[3][8];
        const char *names[] = {word[0], word[1], word[2], NULL};
        const char *want = NULL;
        size_t least = 4;

        random_word(&seed, name);
        for (int i = 0; i < 3; i++) {
            size_t d;

            random_word(&seed, word[i]);
            d = distance(name, word[i]);
            if (d < least && d < strlen(name)) {
                want = word[i];
                least = d;
            }
        }
        assert_ptr_equal(cmdline_nearest(name, names), want);
    }
}

static void long_names_are_near_to_none(void **state)
{
    char name[600];
    const char *names[] = {"strategy", name, NULL};

    (void)state;
    memset(name, 'x', sizeof name);
    name[599] = 0;
    assert_null(cmdline_nearest(name, names));
    name[32] = 0;
    assert_null(cmdline_nearest(name, names));
    name[31] = 0;
    assert_ptr_equal(cmdline_nearest(name, names), name);
    name[31] = 'x';
    name[32] = 0;
    assert_null(cmdline_nearest(name + 1, names));
}

/* Whatever the text: no byte outside it is read, and odd quotes alone are refused. */
static void random_texts(void **state)
{
    static const char letters[] = "ab= \"\t,nic";
    uint64_t seed = 7;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        size_t length = random_below(&seed, 40), quotes = 0;
        char text[41], *exact;
        struct record r = {.used = 0};

        for (size_t i = 0; i < length; i++) {
            text[i] = letters[random_below(&seed, sizeof letters - 1)];
            quotes += text[i] == '"';
        }
        text[length] = 0;
        exact = exact_copy(text, length + 1);
        assert_int_equal(cmdline_parse(exact, options, seen, unknown, &r),
                         quotes % 2 ? -EINVAL : 0);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_in_order),
        cmocka_unit_test(quotes_keep_blanks),
        cmocka_unit_test(unknown_words_have_a_nearest),
        cmocka_unit_test(damage_calls_nothing),
        cmocka_unit_test(pieces),
        cmocka_unit_test(numbers),
        cmocka_unit_test(nearest_is_the_nearest),
        cmocka_unit_test(long_names_are_near_to_none),
        cmocka_unit_test(random_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

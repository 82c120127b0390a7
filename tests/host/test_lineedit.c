/* SPDX-License-Identifier: MIT */
/* The line editor, before a terminal that shows what a person would see. */
#include "kernel/lineedit.h"

#include <stdio.h>
#include "tests/host/random.h"
#include "tests/host/unit.h"

#define PROMPT  "> "
#define COLUMNS 512

/* One row of a VT100: what is on it, and the cursor. */
static struct {
    char row[COLUMNS];
    size_t cursor, bells, lines;
    unsigned escape;
} screen;

static struct lineedit edit;

static void put_on_screen(char c)
{
    if (screen.escape) {
        screen.escape = screen.escape == 1 && c == '[' ? 2 : 0;
        if (c == 'K')
            memset(screen.row + screen.cursor, 0, COLUMNS - screen.cursor);
        else if (c == 'D')
            screen.cursor -= screen.cursor > 0;
        else if (c == 'C')
            screen.cursor++;
        return;
    }
    switch (c) {
    case 0x1b:
        screen.escape = 1;
        break;
    case '\a':
        screen.bells++;
        break;
    case '\r':
        screen.cursor = 0;
        break;
    case '\n':
        memset(screen.row, 0, COLUMNS);
        screen.cursor = 0;
        screen.lines++;
        break;
    default:
        assert_in_range(c, ' ', '~');
        screen.row[screen.cursor++] = c;
    }
}

static void write_to_screen(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        put_on_screen(text[i]);
}

static int begin(void **state)
{
    (void)state;
    memset(&screen, 0, sizeof screen);
    lineedit_init(&edit, PROMPT, write_to_screen);
    lineedit_show(&edit);
    return 0;
}

/* The last event. */
static enum lineedit_event type(const char *keys)
{
    enum lineedit_event event = LINEEDIT_MORE;

    for (; *keys != 0; keys++)
        event = lineedit_put(&edit, (uint8_t)*keys);
    return event;
}

static void shows(const char *text, size_t cursor)
{
    char want[COLUMNS];

    snprintf(want, sizeof want, "%s%s", PROMPT, text);
    assert_string_equal(screen.row, want);
    assert_int_equal(screen.cursor, strlen(PROMPT) + cursor);
}

static void gives(const char *keys, const char *line)
{
    assert_int_equal(type(keys), LINEEDIT_LINE);
    assert_string_equal(edit.text, line);
    lineedit_show(&edit);
}

static void editing(void **state)
{
    (void)state;
    type("abd");
    shows("abd", 3);
    type("\x1b[D"
         "c");
    shows("abcd", 3);
    type("\x01"
         "x\x05y");
    shows("xabcdy", 6);
    type("\x1b[H\x1b[3~\x1b[F\x7f");
    shows("abcd", 4);
    type("\x1bOD\x1b[1;5D\b");
    shows("acd", 1);
    type(" e\x17"); /* ^W */
    shows("a cd", 2);
    type("\x17");
    shows("cd", 0);
    gives("\r", "cd");
    type("gone\x15"); /* ^U */
    shows("", 0);
    gives("b\n", "b");
}

static void ends_of_lines(void **state)
{
    (void)state;
    gives("a\r", "a");
    assert_int_equal(type("\n"), LINEEDIT_MORE); /* of CR LF */
    gives("\n", "");
    gives("b\r", "b");
    gives("\r", "");
    assert_int_equal(type("half\x03"), LINEEDIT_CANCEL);
    gives("c\r", "c");
}

static void history(void **state)
{
    (void)state;
    gives("one\r", "one");
    gives("two\r", "two");
    gives("two\r", "two"); /* kept once */
    gives("\r", "");       /* not kept */
    type("thr\x1b[A");
    shows("two", 3);
    type("\x1b[A");
    shows("one", 3);
    type("\x1b[A"); /* there is no older one */
    shows("one", 3);
    type("\x1b[B\x1b[B");
    shows("thr", 3);
    type("\x10!"); /* ^P, and an edit of what it shows */
    gives("\r", "two!");
    for (int i = 0; i < 3 * LINEEDIT_HISTORY; i++) {
        char line[16];

        snprintf(line, sizeof line, "l%d\r", i);
        type(line);
    }
    lineedit_show(&edit);
    for (int i = 0; i < 2 * LINEEDIT_HISTORY; i++)
        type("\x1b[A");
    shows("l32", 3); /* the oldest of the last sixteen */
}

static void what_is_too_long_is_no_command(void **state)
{
    (void)state;
    for (int i = 0; i < LINEEDIT_BYTES - 1; i++)
        type("x");
    assert_int_equal(screen.bells, 0);
    type("y");
    assert_int_equal(screen.bells, 1);
    type("\x7f\x7f"); /* shorter again, and still not what was typed */
    assert_int_equal(type("\r"), LINEEDIT_LONG);
    lineedit_show(&edit);
    gives("ok\r", "ok");
}

static void noise_is_no_command(void **state)
{
    static const char *const noisy[] = {"a\x80",
                                        "\xff",
                                        "a\x02"
                                        "\x06\x07",
                                        "\x1bz",
                                        "\x1b\x1b[A",
                                        "\x1b[\x01",
                                        "ab\x1a"};

    (void)state;
    for (size_t i = 0; i < sizeof noisy / sizeof noisy[0]; i++) {
        type(noisy[i]);
        if (type("\r") != LINEEDIT_DAMAGED)
            fail_msg("noise %zu was taken for a line", i);
        lineedit_show(&edit);
        gives("ok\r", "ok");
    }
    lineedit_put(&edit, 0);
    assert_int_equal(type("\r"), LINEEDIT_DAMAGED);
    type("reb");
    lineedit_damage(&edit);
    assert_int_equal(type("oot\r"), LINEEDIT_DAMAGED);
    lineedit_damage(&edit);
    gives("\x15"
          "results\r",
          "results");                  /* ^U begins anew */
    gives("a\x1b[15~b\x1b[Z\r", "ab"); /* keys that we have no use for */
}

/* The same by plain strings. */
struct model {
    char text[LINEEDIT_BYTES];
    size_t at;
};

static void model_key(struct model *m, unsigned key, char letter)
{
    size_t used = strlen(m->text), from = m->at;

    switch (key) {
    case 0:
        m->at -= m->at > 0;
        return;
    case 1:
        m->at += m->at < used;
        return;
    case 2:
        m->at = 0;
        return;
    case 3:
        m->at = used;
        return;
    case 4:
        from -= m->at > 0;
        break;
    case 5:
        if (m->at < used)
            memmove(m->text + m->at, m->text + m->at + 1, used - m->at);
        break;
    case 6:
        while (from > 0 && m->text[from - 1] == ' ')
            from--;
        while (from > 0 && m->text[from - 1] != ' ')
            from--;
        break;
    case 7:
        m->at = from = 0;
        m->text[0] = 0;
        break;
    default:
        memmove(m->text + m->at + 1, m->text + m->at, used - m->at + 1);
        m->text[m->at++] = letter;
        return;
    }
    if (from < m->at) {
        memmove(m->text + from, m->text + m->at, used - m->at + 1);
        m->at = from;
    }
}

static void any_keys(void **state)
{
    static const char *const keys[] = {"\x1b[D", "\x1b[C", "\x01", "\x05",
                                       "\x7f",   "\x04",   "\x17", "\x15"};
    uint64_t seed = 3;

    (void)state;
    for (int line = 0; line < 2000; line++) {
        struct model m = {"", 0};

        for (int i = 0; i < 60; i++) {
            unsigned key = random_below(&seed, 20);
            char letter[2] = {"ab "[random_below(&seed, 3)], 0};

            model_key(&m, key, letter[0]);
            type(key < 8 ? keys[key] : letter);
            shows(m.text, m.at);
        }
        gives("\r", m.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(editing, begin),
        cmocka_unit_test_setup(ends_of_lines, begin),
        cmocka_unit_test_setup(history, begin),
        cmocka_unit_test_setup(what_is_too_long_is_no_command, begin),
        cmocka_unit_test_setup(noise_is_no_command, begin),
        cmocka_unit_test_setup(any_keys, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

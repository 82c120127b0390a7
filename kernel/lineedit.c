/* SPDX-License-Identifier: MIT */
#include "kernel/lineedit.h"

#include <string.h>

#define CONTROL(letter) ((letter)&0x1f)
#define BACKSPACE       0x08
#define DELETE          0x7f
#define ESCAPE          0x1b
#define BELL            "\a"
#define TO_LINE_END     "\x1b[K"
#define LEFT            "\x1b[D"
#define RIGHT           "\x1b[C"
#define MANY            '?' /* a parameter of several digits: none of our keys */

/* Of an escape sequence: ESC, then [ or O, then a digit and ~ or a letter. */
enum { ESCAPE_NONE, ESCAPE_BEGUN, ESCAPE_BRACKET };

static void say(const struct lineedit *e, const char *text)
{
    e->write(text, strlen(text));
}

void lineedit_init(struct lineedit *e, const char *prompt,
                   void (*write)(const char *text, size_t bytes))
{
    memset(e, 0, sizeof *e);
    e->prompt = prompt;
    e->write = write;
}

static void begin_line(struct lineedit *e)
{
    e->used = e->at = 0;
    e->text[0] = 0;
    e->is_long = e->is_damaged = false;
    e->escape = ESCAPE_NONE;
    e->shown = 0;
}

/* What stands right of the cursor, anew; the cursor is left where it was. */
static void show_rest(const struct lineedit *e)
{
    say(e, TO_LINE_END);
    e->write(e->text + e->at, e->used - e->at);
    for (size_t i = e->at; i < e->used; i++)
        say(e, LEFT);
}

void lineedit_show(struct lineedit *e)
{
    say(e, "\r" TO_LINE_END);
    say(e, e->prompt);
    e->write(e->text, e->at);
    show_rest(e);
}

static void move_to(struct lineedit *e, size_t at)
{
    for (; e->at > at; e->at--)
        say(e, LEFT);
    for (; e->at < at; e->at++)
        say(e, RIGHT);
}

static void insert(struct lineedit *e, char c)
{
    if (e->used == LINEEDIT_BYTES - 1) {
        e->is_long = true;
        say(e, BELL);
        return;
    }
    memmove(e->text + e->at + 1, e->text + e->at, e->used - e->at + 1);
    e->text[e->at++] = c;
    e->used++;
    e->write(&c, 1);
    if (e->at < e->used)
        show_rest(e);
}

/* What stands from here on up to the cursor. */
static void erase_from(struct lineedit *e, size_t from)
{
    size_t end = e->at;

    move_to(e, from);
    memmove(e->text + from, e->text + end, e->used - end + 1);
    e->used -= end - from;
    show_rest(e);
}

static void erase_next(struct lineedit *e)
{
    if (e->at == e->used)
        return;
    move_to(e, e->at + 1);
    erase_from(e, e->at - 1);
}

static void erase_word(struct lineedit *e)
{
    size_t from = e->at;

    while (from > 0 && e->text[from - 1] == ' ')
        from--;
    while (from > 0 && e->text[from - 1] != ' ')
        from--;
    erase_from(e, from);
}

static const char *remembered(const struct lineedit *e, unsigned back)
{
    return back == 0 ? e->line
                     : e->history[(e->newest + LINEEDIT_HISTORY - back + 1) % LINEEDIT_HISTORY];
}

static void show_remembered(struct lineedit *e, unsigned back)
{
    if (back > e->kept)
        return;
    if (e->shown == 0)
        memcpy(e->line, e->text, sizeof e->line);
    e->shown = back;
    memcpy(e->text, remembered(e, back), sizeof e->text);
    e->used = e->at = strlen(e->text);
    lineedit_show(e);
}

static void remember(struct lineedit *e)
{
    if (e->used == 0 || (e->kept > 0 && strcmp(e->text, remembered(e, 1)) == 0))
        return;
    e->newest = (e->newest + 1) % LINEEDIT_HISTORY;
    memcpy(e->history[e->newest], e->text, sizeof e->text);
    if (e->kept < LINEEDIT_HISTORY)
        e->kept++;
}

static void act(struct lineedit *e, uint8_t key)
{
    switch (key) {
    case CONTROL('A'):
        move_to(e, 0);
        break;
    case CONTROL('B'):
        move_to(e, e->at > 0 ? e->at - 1 : 0);
        break;
    case CONTROL('D'):
        erase_next(e);
        break;
    case CONTROL('E'):
        move_to(e, e->used);
        break;
    case CONTROL('F'):
        move_to(e, e->at < e->used ? e->at + 1 : e->used);
        break;
    case BACKSPACE:
    case DELETE:
        if (e->at > 0)
            erase_from(e, e->at - 1);
        break;
    case '\t':
        say(e, BELL);
        break;
    case CONTROL('L'):
        lineedit_show(e);
        break;
    case CONTROL('N'):
        if (e->shown > 0)
            show_remembered(e, e->shown - 1);
        break;
    case CONTROL('P'):
        show_remembered(e, e->shown + 1);
        break;
    case CONTROL('W'):
        erase_word(e);
        break;
    default:
        e->is_damaged = true;
    }
}

/* The keys of a terminal as those of a keyboard without them. 0: none of ours. */
static uint8_t key_of(char final, char parameter)
{
    switch (final == '~' ? parameter : final) {
    case 'A':
        return CONTROL('P');
    case 'B':
        return CONTROL('N');
    case 'C':
        return CONTROL('F');
    case 'D':
        return CONTROL('B');
    case 'H':
    case '1':
    case '7':
        return CONTROL('A');
    case 'F':
    case '4':
    case '8':
        return CONTROL('E');
    case '3':
        return CONTROL('D');
    default:
        return 0;
    }
}

static void go_on_escape(struct lineedit *e, uint8_t byte)
{
    uint8_t key;

    if (e->escape == ESCAPE_BEGUN) {
        e->escape = byte == '[' || byte == 'O' ? ESCAPE_BRACKET : ESCAPE_NONE;
        e->is_damaged |= e->escape == ESCAPE_NONE;
        e->parameter = 0;
        return;
    }
    if (byte == ';')
        return;
    if (byte >= '0' && byte <= '9') {
        e->parameter = e->parameter ? MANY : (char)byte;
        return;
    }
    e->escape = ESCAPE_NONE;
    key = key_of((char)byte, e->parameter);
    if (key)
        act(e, key);
    else if (byte < '@' || byte > '~')
        e->is_damaged = true;
    else
        say(e, BELL);
}

static enum lineedit_event end_line(struct lineedit *e)
{
    enum lineedit_event event = e->is_damaged ? LINEEDIT_DAMAGED
                                : e->is_long  ? LINEEDIT_LONG
                                              : LINEEDIT_LINE;
    char text[LINEEDIT_BYTES];

    say(e, "\n");
    if (event == LINEEDIT_LINE)
        remember(e);
    memcpy(text, e->text, sizeof text);
    begin_line(e);
    /* For the caller, until the next byte. */
    memcpy(e->text, text, sizeof text);
    return event;
}

enum lineedit_event lineedit_put(struct lineedit *e, uint8_t byte)
{
    bool after_cr = e->after_cr;

    if (e->used == 0)
        e->text[0] = 0;
    e->after_cr = byte == '\r';
    switch (byte) {
    case '\n':
        return after_cr ? LINEEDIT_MORE : end_line(e);
    case '\r':
        return end_line(e);
    case CONTROL('C'):
        say(e, "^C\n");
        begin_line(e);
        return LINEEDIT_CANCEL;
    /* Also the way to begin anew after noise, for programs. */
    case CONTROL('U'):
        begin_line(e);
        lineedit_show(e);
        return LINEEDIT_MORE;
    case ESCAPE:
        e->is_damaged |= e->escape != ESCAPE_NONE;
        e->escape = ESCAPE_BEGUN;
        return LINEEDIT_MORE;
    }
    if (e->escape != ESCAPE_NONE)
        go_on_escape(e, byte);
    else if (byte >= ' ' && byte <= '~')
        insert(e, (char)byte);
    else
        act(e, byte);
    return LINEEDIT_MORE;
}

void lineedit_damage(struct lineedit *e)
{
    e->is_damaged = true;
}

/* SPDX-License-Identifier: MIT */
#include "kernel/cmdline.h"

#include <errno.h>
#include <string.h>

#define WORD_BYTES  512 /* with the final 0 */
#define NAME_MAX    31  /* longer names are compared with none */
#define NEAR_ENOUGH 3

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Takes the next word from *text into word, without its quotes. 1, 0 at the end, or an error. */
static int next_word(const char **text, char word[WORD_BYTES])
{
    const char *c = *text;
    bool quoted = false;
    size_t used = 0;

    while (is_blank(*c))
        c++;
    if (*c == 0)
        return 0;
    for (; *c != 0 && (quoted || !is_blank(*c)); c++) {
        if (*c == '"') {
            quoted = !quoted;
            continue;
        }
        if (used == WORD_BYTES - 1)
            return -E2BIG;
        word[used++] = *c;
    }
    if (quoted)
        return -EINVAL;
    word[used] = 0;
    *text = c;
    return 1;
}

/* Levenshtein distance by one row of its table; names longer than NAME_MAX are far from all. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NAME_MAX + 1], columns = strlen(b);

    if (columns > NAME_MAX || strlen(a) > NAME_MAX)
        return NAME_MAX;
    for (size_t j = 0; j <= columns; j++)
        row[j] = j;
    for (size_t i = 0; a[i] != 0; i++) {
        size_t diagonal = row[0];

        row[0] = i + 1;
        for (size_t j = 0; j < columns; j++) {
            size_t change = diagonal + (a[i] != b[j]);
            size_t other = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;

            diagonal = row[j + 1];
            row[j + 1] = change < other ? change : other;
        }
    }
    return row[columns];
}

/* Keeps candidate when it is nearer to name than *best is. Three edits make any word of three
 * letters from any other, so a near one must also keep a letter. */
static void consider(const char *name, const char *candidate, const char **best, size_t *least)
{
    size_t d = distance(name, candidate);

    if (d < *least && d < strlen(name)) {
        *best = candidate;
        *least = d;
    }
}

const char *cmdline_nearest(const char *name, const char *const *names)
{
    const char *best = NULL;
    size_t least = NEAR_ENOUGH + 1;

    for (; *names != NULL; names++)
        consider(name, *names, &best, &least);
    return best;
}

static bool is_known(const char *key, const struct cmdline_option *options)
{
    for (; options->key != NULL; options++)
        if (strcmp(options->key, key) == 0)
            return true;
    return false;
}

static const char *nearest_option(const char *key, const struct cmdline_option *options)
{
    const char *best = NULL;
    size_t least = NEAR_ENOUGH + 1;

    for (; options->key != NULL; options++)
        consider(key, options->key, &best, &least);
    return best;
}

int cmdline_parse(const char *text, const struct cmdline_option *options,
                  void (*seen)(void *ctx, const char *key, const char *value),
                  void (*unknown)(void *ctx, const char *key, const char *nearest), void *ctx)
{
    char word[WORD_BYTES];
    int more;

    while ((more = next_word(&text, word)) > 0) {
        char *value = strchr(word, '=');

        if (value != NULL)
            *value++ = 0;
        if (is_known(word, options))
            seen(ctx, word, value);
        else
            unknown(ctx, word, nearest_option(word, options));
    }
    return more;
}

bool cmdline_piece(const char *value, unsigned index, char *piece, size_t size)
{
    size_t used = 0;

    if (value == NULL || *value == 0 || size == 0)
        return false;
    for (; index > 0; index--) {
        value = strchr(value, ',');
        if (value == NULL)
            return false;
        value++;
    }
    while (value[used] != 0 && value[used] != ',' && used < size - 1) {
        piece[used] = value[used];
        used++;
    }
    piece[used] = 0;
    return true;
}

/* The digit's value in this base, or the base when it is none. */
static unsigned digit(char c, unsigned base)
{
    unsigned v = base;

    if (c >= '0' && c <= '9')
        v = (unsigned)(c - '0');
    else if (c >= 'a' && c <= 'f')
        v = (unsigned)(c - 'a') + 10;
    else if (c >= 'A' && c <= 'F')
        v = (unsigned)(c - 'A') + 10;
    return v < base ? v : base;
}

/* Reads digits and leaves *text behind them. */
static int read_number(const char **text, uint64_t *number)
{
    const char *c = *text;
    unsigned base = 10;
    bool overflow = false;

    if (c[0] == '0' && (c[1] == 'x' || c[1] == 'X')) {
        base = 16;
        c += 2;
    }
    if (digit(*c, base) == base)
        return -EINVAL;
    for (*number = 0; digit(*c, base) < base; c++)
        overflow |= __builtin_mul_overflow(*number, base, number) ||
                    __builtin_add_overflow(*number, digit(*c, base), number);
    *text = c;
    return overflow ? -ERANGE : 0;
}

int cmdline_number(const char *value, uint64_t *number)
{
    uint64_t n;
    int bad = read_number(&value, &n);

    if (bad == -EINVAL || *value != 0)
        return -EINVAL;
    if (bad == 0)
        *number = n;
    return bad;
}

static unsigned suffix_shift(char c)
{
    switch (c) {
    case 'k':
    case 'K':
        return 10;
    case 'm':
    case 'M':
        return 20;
    case 'g':
    case 'G':
        return 30;
    default:
        return 0;
    }
}

int cmdline_size(const char *value, uint64_t *bytes)
{
    uint64_t n;
    int bad = read_number(&value, &n);
    unsigned shift;

    if (bad == -EINVAL)
        return -EINVAL;
    shift = suffix_shift(*value);
    if (value[shift != 0] != 0)
        return -EINVAL;
    if (bad != 0 || n > UINT64_MAX >> shift)
        return -ERANGE;
    *bytes = n << shift;
    return 0;
}

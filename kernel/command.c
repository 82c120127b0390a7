/* SPDX-License-Identifier: MIT */
#include "kernel/command.h"

#include <errno.h>
#include <string.h>
#include "kernel/cmdline.h"
#include "lib/fmt.h"

#define COMMANDS 32

static const char *skip_blanks(const char *text)
{
    while (*text == ' ' || *text == '\t')
        text++;
    return text;
}

const char *command_word(const char **text, char *word, size_t size)
{
    const char *at = skip_blanks(*text);
    size_t used = 0;

    if (*at == 0)
        return NULL;
    for (; *at != 0 && *at != ' ' && *at != '\t'; at++)
        if (used < size - 1)
            word[used++] = *at;
    word[used] = 0;
    *text = skip_blanks(at);
    return word;
}

static const char *nearest(const char *name, const struct command *table)
{
    const char *names[COMMANDS + 1] = {NULL};

    for (unsigned i = 0; i < COMMANDS && table[i].name; i++)
        names[i] = table[i].name;
    return cmdline_nearest(name, names);
}

int command_find(const char *line, const struct command *table, const char **rest, char *error,
                 size_t size)
{
    char name[COMMAND_NAME];
    const char *near;

    *rest = line;
    if (!command_word(rest, name, sizeof name))
        return -ENOENT;
    for (int i = 0; table[i].name; i++) {
        if (strcmp(table[i].name, name) != 0)
            continue;
        if (**rest == 0 || table[i].arguments[0] != 0)
            return i;
        fmt_snprintf(error, size, "%s takes nothing after it", name);
        return -EINVAL;
    }
    near = nearest(name, table);
    fmt_snprintf(error, size, "%s: no such command; %s%s%shelp lists them", name,
                 near ? "did you mean " : "", near ? near : "", near ? "? " : "");
    return -EINVAL;
}

int command_numbers(const char *text, uint64_t *numbers, unsigned max)
{
    char word[COMMAND_NAME];
    unsigned n = 0;

    while (command_word(&text, word, sizeof word)) {
        if (n == max || cmdline_number(word, &numbers[n]) != 0)
            return -EINVAL;
        n++;
    }
    return (int)n;
}

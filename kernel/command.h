/* SPDX-License-Identifier: MIT */
/* A line of the shell, taken apart: a command's name and what follows. Pure. */
#ifndef KERNEL_COMMAND_H
#define KERNEL_COMMAND_H

#include <stddef.h>
#include <stdint.h>

#define COMMAND_NAME 32

struct command {
    const char *name;
    const char *arguments; /* as help shows them; "" when it takes none */
    const char *help;      /* one line */
};

/* The place in table (ended by a NULL name) of the command that line begins with, and *rest: what
 * follows it, without blanks before it. -ENOENT for a blank line; -EINVAL: error says what is wrong
 * and what would be right. */
int command_find(const char *line, const struct command *table, const char **rest, char *error,
                 size_t size);

/* Up to max numbers, separated by blanks; returns how many. -EINVAL. */
int command_numbers(const char *text, uint64_t *numbers, unsigned max);

/* The next word of *text, at most size - 1 bytes of it; NULL when there is none. */
const char *command_word(const char **text, char *word, size_t size);

#endif

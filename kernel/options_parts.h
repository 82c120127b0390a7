/* SPDX-License-Identifier: MIT */
/* Between options.c, which takes words apart, and options_table.c, which knows those that are no
 * dimension. */
#ifndef KERNEL_OPTIONS_PARTS_H
#define KERNEL_OPTIONS_PARTS_H

#include "kernel/options.h"

struct parse {
    struct options *out;
    enum options_from from;
    char *error; /* "" until something is wrong; the first error stays */
};

/* Where an option may stand: a bit for each of enum options_from. */
#define AT_BOOT     (1u << OPTIONS_BOOT)
#define AT_CONSOLE  (AT_BOOT | 1u << OPTIONS_SHELL)
#define AT_ANY_TIME (AT_CONSOLE | 1u << OPTIONS_PLAN)

struct option {
    struct cmdline_option known;
    void (*set)(struct parse *p, const char *value); /* NULL value for a flag */
    unsigned from;
    bool is_flag; /* takes no value */
};

#define OPTIONS_OTHERS 20 /* when the table has another size, the compiler says so */
extern const struct option options_others[OPTIONS_OTHERS];

/* Keeps this as the error unless there is one already. */
void options_fail(struct parse *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

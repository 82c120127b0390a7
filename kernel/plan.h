/* SPDX-License-Identifier: MIT */
/*
 * What a boot runs, as numbered cases: the command line's own cross product, or a plan, which is
 * text with a line of the same words for each cross product. Case n is the same in every boot with
 * the same words. Pure.
 */
#ifndef KERNEL_PLAN_H
#define KERNEL_PLAN_H

#include "kernel/cross.h"

#define PLAN_LINES      128
#define PLAN_LINE_BYTES 1024 /* of one line, with its final 0 */
#define PLAN_CASES      1000000u
#define PLAN_ERROR_TEXT (OPTIONS_ERROR_TEXT + 64)

struct plan_line {
    uint32_t offset, bytes; /* in the text */
    uint32_t number;        /* as an editor counts */
    uint32_t cases;
};

struct plan {
    const char *name;           /* NULL: the command line's own cases */
    const char *text;           /* likewise */
    const struct options *base; /* what a line does not say */
    uint32_t lines;             /* that say something */
    struct plan_line line[PLAN_LINES];
    uint32_t cases;   /* of all rounds */
    uint64_t skipped; /* combinations of one round that mean nothing */
};

/* The cases of base alone. */
int plan_of_options(struct plan *p, const struct options *base, char error[PLAN_ERROR_TEXT]);
/*
 * text stays where it is; # begins a comment, up to the end of the line. -EINVAL: error names plan,
 * line and reason.
 */
int plan_read(struct plan *p, const char *name, const char *text, size_t bytes,
              const struct options *base, char error[PLAN_ERROR_TEXT]);

/* A walk over the cases in order. */
struct plan_walk {
    const struct plan *plan;
    uint32_t number;        /* of the case at hand, from 1 */
    uint32_t round;         /* from 1 */
    uint32_t line;          /* index into plan->line */
    struct options options; /* of that line */
    struct cross cross;
};

void plan_begin(struct plan_walk *w, const struct plan *p);
/* The next case; false after the last. */
bool plan_next(struct plan_walk *w);
/* Of the case at hand; they change with the next. */
const struct setting *plan_setting(const struct plan_walk *w);
uint32_t plan_line_number(const struct plan_walk *w); /* 0 without a plan */

/* A plan that is part of the image, by name: false when there is none. */
bool plan_find_own(const char *name, const char **text, size_t *bytes);
extern const char plan_own_names[]; /* "quick paper full" */

#endif

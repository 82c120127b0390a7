/* SPDX-License-Identifier: MIT */
/*
 * The cross product of one line of options: every case of it, in a fixed order. Combinations in
 * which a value means nothing (a second policy= under direct), or does not go with another (lru
 * without hits=exit), are counted and left out. Pure.
 */
#ifndef KERNEL_CROSS_H
#define KERNEL_CROSS_H

#include "kernel/options.h"

struct cross {
    const struct options *o;
    bool is_under_way;
    uint32_t at[DIMENSIONS];
    struct setting step[DIMENSIONS + 1]; /* step[d]: what the values before d make */
    const char *text[DIMENSIONS];        /* of the case at hand; NULL: means nothing to it */
    uint32_t looked_at;                  /* a bit a dimension: it has meant something so far */
    uint64_t skipped;                    /* combinations so far; stays at UINT64_MAX */
};

void cross_begin(struct cross *c, const struct options *o);
/* The next case; false after the last. */
bool cross_next(struct cross *c);
/* The case at hand, until the next. */
const struct setting *cross_setting(const struct cross *c);

#define CROSS_MAX 100000u /* cases of one line; more is a slip of the pen */

/*
 * Counts the cases of o and the combinations that are left out. -EINVAL, with words in error: a
 * list or a value was given that no case looks at, so that something else was meant; more than
 * CROSS_MAX cases.
 */
int cross_check(const struct options *o, uint32_t *cases, uint64_t *skipped,
                char error[OPTIONS_ERROR_TEXT]);

#endif

/* SPDX-License-Identifier: MIT */
#include "kernel/cross.h"

#include <errno.h>
#include "lib/fmt.h"

void cross_begin(struct cross *c, const struct options *o)
{
    c->o = o;
    c->is_under_way = false;
    c->skipped = 0;
    c->looked_at = 0;
    setting_begin(&c->step[0], o->has_msi, o->has_vm);
}

/* What hangs below one value of d: all combinations of the dimensions after it. */
static void skip(struct cross *c, unsigned d)
{
    uint64_t below = 1;

    for (unsigned next = d + 1; next < DIMENSIONS; next++)
        if (__builtin_mul_overflow(below, c->o->list[next].count, &below))
            below = UINT64_MAX;
    if (__builtin_add_overflow(c->skipped, below, &c->skipped))
        c->skipped = UINT64_MAX;
}

/* The value that d stands at, on top of those before it. False: no case has it there. */
static bool take(struct cross *c, unsigned d)
{
    const struct dimension_row *row = &dimensions[d];
    const char *value = c->o->list[d].value[c->at[d]];
    struct setting *s = &c->step[d + 1];

    *s = c->step[d];
    c->text[d] = NULL;
    if (row->means && !row->means(s))
        return c->at[d] == 0;
    c->looked_at |= 1u << d;
    c->text[d] = value;
    return setting_take(s, (enum dimension)d, value, NULL, 0) == 0 && (!row->fits || row->fits(s));
}

/* An odometer whose wheels stop only at values that fit: it never turns through the combinations
 * below one that does not, and there may be billions. */
bool cross_next(struct cross *c)
{
    unsigned d = c->is_under_way ? DIMENSIONS - 1 : 0;

    if (c->is_under_way)
        c->at[d]++;
    else
        c->at[d] = 0;
    c->is_under_way = true;
    for (;;) {
        if (c->at[d] == c->o->list[d].count) {
            if (d == 0)
                return false;
            c->at[--d]++;
        } else if (!take(c, d)) {
            skip(c, d);
            c->at[d]++;
        } else if (d == DIMENSIONS - 1) {
            return true;
        } else {
            c->at[++d] = 0;
        }
    }
}

const struct setting *cross_setting(const struct cross *c)
{
    return &c->step[DIMENSIONS];
}

/* A bit a value: some case has it. */
struct use {
    uint32_t values[DIMENSIONS];
};

_Static_assert(OPTIONS_LIST <= 32, "a bit a value");

static void note_use(struct use *use, const struct cross *c)
{
    for (unsigned d = 0; d < DIMENSIONS; d++)
        if (c->text[d])
            use->values[d] |= 1u << c->at[d];
}

/* The first value of d's list that no case has; NULL: all are used. */
static const char *unused(const struct options *o, const struct use *use, unsigned d)
{
    for (uint32_t i = 0; i < o->list[d].count; i++)
        if (!(use->values[d] & 1u << i))
            return o->list[d].value[i];
    return NULL;
}

static int complain(const struct options *o, const struct cross *c, const struct use *use,
                    char error[OPTIONS_ERROR_TEXT])
{
    for (unsigned d = 0; d < DIMENSIONS; d++) {
        const struct dimension_row *row = &dimensions[d];
        bool is_looked_at = (c->looked_at & 1u << d) != 0;
        const char *value = unused(o, use, d);

        if (!is_looked_at && row->useless && o->list[d].is_given) {
            fmt_snprintf(error, OPTIONS_ERROR_TEXT, "%s", row->useless);
            return -EINVAL;
        }
        if (is_looked_at && row->unfit && value) {
            fmt_snprintf(error, OPTIONS_ERROR_TEXT, row->unfit, value);
            return -EINVAL;
        }
    }
    return 0;
}

static uint32_t count(struct cross *c, struct use *use)
{
    uint32_t cases = 0;

    while (cases <= CROSS_MAX && cross_next(c)) {
        note_use(use, c);
        cases++;
    }
    return cases;
}

/* What was meant is judged as if the machine had everything. */
int cross_check(const struct options *o, uint32_t *cases, uint64_t *skipped,
                char error[OPTIONS_ERROR_TEXT])
{
    struct use use = {{0}};
    struct cross c;

    cross_begin(&c, o);
    c.step[0].has_msi = true;
    if (count(&c, &use) > CROSS_MAX) {
        fmt_snprintf(error, OPTIONS_ERROR_TEXT,
                     "more than %u cases: leave out values, or make several lines of a plan",
                     CROSS_MAX);
        return -EINVAL;
    }
    if (complain(o, &c, &use, error) != 0)
        return -EINVAL;
    cross_begin(&c, o);
    *cases = count(&c, &use);
    *skipped = c.skipped;
    return 0;
}

/* SPDX-License-Identifier: MIT */
#include "kernel/plan.h"

#include <errno.h>
#include <string.h>
#include "lib/fmt.h"

static int add_cases(struct plan *p, uint64_t cases, char error[PLAN_ERROR_TEXT])
{
    if (cases > PLAN_CASES - p->cases) {
        fmt_snprintf(error, PLAN_ERROR_TEXT, "more than %u cases: take fewer rounds= or lines",
                     PLAN_CASES);
        return -EINVAL;
    }
    p->cases += (uint32_t)cases;
    return 0;
}

int plan_of_options(struct plan *p, const struct options *base, char error[PLAN_ERROR_TEXT])
{
    uint32_t cases;

    *p = (struct plan){.base = base, .lines = 1};
    if (cross_check(base, &cases, &p->skipped, error) != 0)
        return -EINVAL;
    if (cases == 0) {
        fmt_snprintf(error, PLAN_ERROR_TEXT,
                     "not one case is left: irq=msi needs a NIC that has MSI");
        return -EINVAL;
    }
    p->line[0].cases = cases;
    return add_cases(p, (uint64_t)cases * base->rounds, error);
}

/* The first such byte, NULL when there is none. */
static const char *find(const char *text, size_t bytes, char byte)
{
    for (size_t i = 0; i < bytes; i++)
        if (text[i] == byte)
            return text + i;
    return NULL;
}

/* Without its comment, as a text of its own. -E2BIG. */
static int copy_line(const char *from, size_t bytes, char to[PLAN_LINE_BYTES])
{
    const char *comment = find(from, bytes, '#');

    if (comment)
        bytes = (size_t)(comment - from);
    if (bytes >= PLAN_LINE_BYTES)
        return -E2BIG;
    memcpy(to, from, bytes);
    to[bytes] = 0;
    /* A 0 in the text would hide what follows it. */
    return strlen(to) == bytes ? 0 : -EBADMSG;
}

static bool is_blank(const char *text)
{
    while (*text == ' ' || *text == '\t' || *text == '\r')
        text++;
    return *text == 0;
}

static int line_error(const struct plan *p, uint32_t number, const char *what,
                      char error[PLAN_ERROR_TEXT])
{
    char copy[OPTIONS_ERROR_TEXT];

    fmt_snprintf(copy, sizeof copy, "%s", what);
    fmt_snprintf(error, PLAN_ERROR_TEXT, "plan %s, line %u: %s", p->name, number, copy);
    return -EINVAL;
}

/* Sets options to what the line makes of the base. */
static int parse_line(const struct plan *p, const struct plan_line *line, struct options *options,
                      char error[OPTIONS_ERROR_TEXT])
{
    char text[PLAN_LINE_BYTES];

    error[0] = 0;
    *options = *p->base;
    if (!p->text)
        return 0;
    switch (copy_line(p->text + line->offset, line->bytes, text)) {
    case 0:
        return options_change(text, OPTIONS_PLAN, options, error);
    case -E2BIG:
        fmt_snprintf(error, OPTIONS_ERROR_TEXT, "longer than %u bytes", PLAN_LINE_BYTES - 1);
        return -EINVAL;
    default:
        fmt_snprintf(error, OPTIONS_ERROR_TEXT, "a byte of value 0: this is no text");
        return -EINVAL;
    }
}

/* One that says nothing has a text of 0. */
static int read_line(struct plan *p, struct plan_line line, char error[PLAN_ERROR_TEXT])
{
    static struct options options;
    char text[PLAN_LINE_BYTES], what[OPTIONS_ERROR_TEXT];
    uint64_t skipped;

    if (copy_line(p->text + line.offset, line.bytes, text) == 0 && is_blank(text))
        return 0;
    if (p->lines == PLAN_LINES)
        return line_error(p, line.number, "more lines than a plan can have: 128", error);
    if (parse_line(p, &line, &options, what) != 0 ||
        cross_check(&options, &line.cases, &skipped, what) != 0)
        return line_error(p, line.number, what, error);
    if (__builtin_add_overflow(p->skipped, skipped, &p->skipped))
        p->skipped = UINT64_MAX;
    p->line[p->lines++] = line;
    return add_cases(p, (uint64_t)line.cases * p->base->rounds, error);
}

int plan_read(struct plan *p, const char *name, const char *text, size_t bytes,
              const struct options *base, char error[PLAN_ERROR_TEXT])
{
    size_t at = 0;

    *p = (struct plan){.name = name, .text = text, .base = base};
    for (uint32_t number = 1; at < bytes; number++) {
        const char *end = find(text + at, bytes - at, '\n');
        size_t length = end ? (size_t)(end - text) - at : bytes - at;
        struct plan_line line = {(uint32_t)at, (uint32_t)length, number, 0};

        if (read_line(p, line, error) != 0)
            return -EINVAL;
        at += length + 1;
    }
    if (p->cases > 0)
        return 0;
    fmt_snprintf(
        error, PLAN_ERROR_TEXT,
        "plan %s: not one case: each line that is no comment holds words as on the command "
        "line, as in work=loopback strategy=direct (irq=msi needs a NIC that has it)",
        name);
    return -EINVAL;
}

void plan_begin(struct plan_walk *w, const struct plan *p)
{
    w->plan = p;
    w->number = 0;
    w->round = 0;
    w->line = p->lines; /* the next step begins a round */
}

/* To the next line, or the first of the next round. False: that was the last. */
static bool next_line(struct plan_walk *w)
{
    char error[OPTIONS_ERROR_TEXT];

    if (w->line + 1 < w->plan->lines) {
        w->line++;
    } else {
        if (w->round == w->plan->base->rounds)
            return false;
        w->round++;
        w->line = 0;
    }
    /* It was right when it was read. */
    (void)parse_line(w->plan, &w->plan->line[w->line], &w->options, error);
    cross_begin(&w->cross, &w->options);
    return true;
}

bool plan_next(struct plan_walk *w)
{
    if (w->number > 0 && cross_next(&w->cross)) {
        w->number++;
        return true;
    }
    while (next_line(w)) {
        if (!cross_next(&w->cross))
            continue;
        w->number++;
        return true;
    }
    return false;
}

const struct setting *plan_setting(const struct plan_walk *w)
{
    return cross_setting(&w->cross);
}

uint32_t plan_line_number(const struct plan_walk *w)
{
    return w->plan->line[w->line].number;
}

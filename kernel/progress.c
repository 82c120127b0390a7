/* SPDX-License-Identifier: MIT */
#include "kernel/progress.h"

#include "kernel/log.h"
#include "kernel/time.h"
#include "lib/fmt.h"

#define EVERY_US  1000000u
#define WHAT_TEXT 96

static struct progress now;
static char what[WHAT_TEXT];
static uint64_t began, shown;
static bool is_on;

/* "1:02:03" or "2:03". */
static void clock_text(char *to, size_t size, uint64_t us)
{
    uint64_t s = us / 1000000;

    if (s >= 3600)
        fmt_snprintf(to, size, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
    else
        fmt_snprintf(to, size, "%lu:%02lu", s / 60, s % 60);
}

char *progress_text(char to[PROGRESS_TEXT], const struct progress *p)
{
    char gone[24], left[24];

    clock_text(gone, sizeof gone, p->us);
    if (p->done == 0) {
        fmt_snprintf(to, PROGRESS_TEXT, "case %u of %u, %s gone: %s", p->number, p->of, gone,
                     p->what);
        return to;
    }
    clock_text(left, sizeof left, p->us / p->done * p->left);
    fmt_snprintf(to, PROGRESS_TEXT, "case %u of %u, %s gone, about %s left: %s", p->number, p->of,
                 gone, left, p->what);
    return to;
}

static void show(void)
{
    char text[PROGRESS_TEXT];

    shown = time_us();
    now.us = shown - began;
    log_status(progress_text(text, &now));
}

void progress_begin(uint32_t of, uint32_t left, bool off)
{
    began = time_us();
    now = (struct progress){.of = of, .left = left, .what = what};
    is_on = !off;
}

void progress_case(uint32_t number, const char *in_words)
{
    now.number = number;
    fmt_snprintf(what, sizeof what, "%s", in_words);
    if (is_on)
        show();
}

void progress_case_done(void)
{
    now.done++;
    if (now.left > 0)
        now.left--;
}

void progress_end(void)
{
    if (is_on)
        log_status(NULL);
    is_on = false;
}

void progress_look(void)
{
    if (is_on && time_us() - shown >= EVERY_US)
        show();
}

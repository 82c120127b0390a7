/* SPDX-License-Identifier: MIT */
/*
 * A line typed over a serial line, on a terminal that knows VT100's few sequences: editing,
 * history, and a line that noise or an overrun has damaged is never handed out as a command. Pure.
 */
#ifndef KERNEL_LINEEDIT_H
#define KERNEL_LINEEDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINEEDIT_BYTES   256 /* with the final 0 */
#define LINEEDIT_HISTORY 16

enum lineedit_event {
    LINEEDIT_MORE,    /* the line goes on */
    LINEEDIT_LINE,    /* text holds it */
    LINEEDIT_CANCEL,  /* ^C */
    LINEEDIT_LONG,    /* it was longer than fits: dropped */
    LINEEDIT_DAMAGED, /* bytes that nobody types, or lost ones: dropped */
};

struct lineedit {
    void (*write)(const char *text, size_t bytes); /* the terminal */
    const char *prompt;
    char text[LINEEDIT_BYTES];
    size_t used, at; /* at: where the cursor is */
    unsigned escape; /* state of a sequence that has begun, lineedit.c's */
    char parameter;  /* its digit */
    bool after_cr;   /* the LF of a CR LF is no line of its own */
    bool is_long, is_damaged;
    unsigned newest, shown, kept; /* of the history; shown: 0 the line itself, 1 the newest */
    char line[LINEEDIT_BYTES];    /* what was typed before going back in history */
    char history[LINEEDIT_HISTORY][LINEEDIT_BYTES];
};

void lineedit_init(struct lineedit *e, const char *prompt,
                   void (*write)(const char *text, size_t bytes));
/* Shows the prompt and a line that is under way. */
void lineedit_show(struct lineedit *e);
/* One byte from the line. After an event other than LINEEDIT_MORE the next byte begins a new line.
 */
enum lineedit_event lineedit_put(struct lineedit *e, uint8_t byte);
/* The line under way lost bytes or got wrong ones. */
void lineedit_damage(struct lineedit *e);

#endif

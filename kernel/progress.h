/* SPDX-License-Identifier: MIT */
/* How far the cases are, as one line that keeps changing at the bottom of the console. */
#ifndef KERNEL_PROGRESS_H
#define KERNEL_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROGRESS_TEXT 80 /* a terminal's row: a longer line cannot be taken back */

struct progress {
    uint32_t number, of; /* of the case under way */
    uint32_t done, left; /* cases run so far; still to run, that one included */
    uint64_t us;         /* since the first one began */
    const char *what;    /* the case in words */
};

/* "case 3 of 20, 0:12 gone, about 1:40 left: tcp_rx on-demand": the time left is what the cases so
 * far took on the average. Returns to. */
char *progress_text(char to[PROGRESS_TEXT], const struct progress *p);

/* Cases will begin; off: nothing is ever shown. */
void progress_begin(uint32_t of, uint32_t left, bool off);
void progress_case(uint32_t number, const char *what);
void progress_case_done(void);
void progress_end(void);
/* Shows the line again when a second has passed. Not inside a measured window: it takes time. */
void progress_look(void);

#endif

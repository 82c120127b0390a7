/* SPDX-License-Identifier: MIT */
/* The measured window: what only the guest can count, for the hypervisor's result record. */
#ifndef GUEST_WINDOW_H
#define GUEST_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

/* Only maps, packets and pages from here on count. */
void window_begin(void);
bool window_is_open(void);

/* A number of the workload's own, under "figures" of the next record; ABI_FIGURES at most, key of
 * [a-z0-9_] and up to 15 letters. */
void window_figure(const char *key, uint64_t value);

/* For a workload without a network: buffers that would have been frames, ticks of work. */
void window_count(uint64_t packets, uint64_t busy_tsc);

/* The hypervisor prints the record. bytes: payload moved in the window. */
void window_end(const char *workload, uint64_t bytes);

#endif

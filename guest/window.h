/* SPDX-License-Identifier: MIT */
/* The measured window: what only the guest can count, for the hypervisor's result record. */
#ifndef GUEST_WINDOW_H
#define GUEST_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

/* Only maps, packets and pages from here on count. */
void window_begin(void);
bool window_is_open(void);

/* The hypervisor prints the record. bytes: payload moved in the window. */
void window_end(const char *workload, uint64_t bytes);

#endif

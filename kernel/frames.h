/* SPDX-License-Identifier: MIT */
/* What the paging code asks of the frame allocator (kernel/frames.c). */
#ifndef KERNEL_FRAMES_H
#define KERNEL_FRAMES_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/addr.h"

/* The next run of frames, at from or above, that are the allocator's: free or handed out. false
 * when there is none. */
bool frames_next_run(hpa_t from, hpa_t *base, uint64_t *count);

/* RAM of any use: the image's, a module's, the allocator's, the first MiB's. */
bool frame_is_ram(hpa_t frame);

/* A page of RAM below 640 KiB for the start of other CPUs; 0 when there is none. */
hpa_t frames_low_page(void);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef TESTS_CPU_MEMORY_H
#define TESTS_CPU_MEMORY_H

/* enable() on the boot CPU while no frame is left: before the first one that succeeds, so before
 * any case. memory.enable_needs_frames judges it. */
void memory_starve_enable(void);

#endif

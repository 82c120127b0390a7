/* SPDX-License-Identifier: MIT */
#ifndef GUEST_RANDOM_H
#define GUEST_RANDOM_H

#include <stdint.h>

/* From the boot structure's seed: equal seeds, equal numbers. */
uint32_t random_next(void);

#endif

/* SPDX-License-Identifier: MIT */
/* What many measurements of one thing come to. */
#ifndef LIB_SPREAD_H
#define LIB_SPREAD_H

#include <stdint.h>
#include "kernel/abi.h"

/* By nearest rank: each is one of the samples. Sorts them. Without any: all 0. */
struct abi_spread spread_of(uint64_t *sample, uint32_t times);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Policies that know the future, through the same engine: the limits others are measured against.
 * opt evicts the idle page whose next use is farthest (Belady; with pages in use this is still the
 * least number of misses); with prefetch D it brings along the next D absent pages, as long as they
 * are needed before what they drive out. opt-batch brings along all it can, up to the 256 that a
 * call may bring: the least number of calls.
 */
#ifndef TOOLS_MAPSIM_OFFLINE_H
#define TOOLS_MAPSIM_OFFLINE_H

#include <stdbool.h>
#include "kernel/dma/evict.h"

extern const struct evict_policy offline_opt, offline_opt_batch;

bool offline_is(const struct evict_policy *policy);

#endif

/* SPDX-License-Identifier: MIT */
/* A unit behind kernel/dma/dma_hw.h that does nothing but count: what VT-d would have been given,
 * cut into descriptors as vtd/batch.c does. */
#ifndef TOOLS_MAPSIM_COUNT_HW_H
#define TOOLS_MAPSIM_COUNT_HW_H

#include "kernel/dma/dma_hw.h"

struct dma_hw *count_hw_new(void);

#endif

/* SPDX-License-Identifier: MIT */
/* The recorder of DMA maps and unmaps, in the ring that the hypervisor gave (kernel/abi.h). Without
 * one nothing here does anything. guest/dma.c calls it. */
#ifndef GUEST_TRACE_H
#define GUEST_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/abi.h"

void trace_start(void);
bool trace_is_on(void);

void trace_map(uint64_t address, uint32_t rights);
void trace_unmap(uint64_t address);

/* Ends the recording; the ring, NULL without one. */
const struct abi_trace *trace_stop(void);

/* Where a burst begins, and that it was refused: its maps since then have not happened. */
void trace_mark(void);
void trace_forget(void);

#endif

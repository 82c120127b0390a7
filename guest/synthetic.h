/* SPDX-License-Identifier: MIT */
/*
 * Maps and unmaps without a network: what a driver does to guest/dma.h, and no device behind it.
 * Equal settings give equal runs. What map_ring, map_pool and map_scatter share; a kernel chooses
 * the buffers.
 */
#ifndef GUEST_SYNTHETIC_H
#define GUEST_SYNTHETIC_H

#include <stdint.h>

struct synthetic {
    const char *workload;
    uint32_t rights;
    uint32_t buffers_a_page; /* of PAGE_BYTES / this */
    /* Once, before all others; buffers are numbered from 0. */
    void (*start)(uint32_t buffers);
    /* The next buffer for the device, and one that the device is done with; NULL: nothing to do. */
    uint32_t (*take)(void);
    void (*give)(uint32_t buffer);
    /* Which of n that the device has is done next, oldest first; NULL: the oldest. */
    uint32_t (*done)(uint32_t n);
};

/* Maps maps= buffers, burst= at a time, depth= with the device at once, out of pages= pages. One
 * lap before the window. Ends the guest when the sizes do not fit each other. */
int synthetic_run(const struct synthetic *s);

#endif

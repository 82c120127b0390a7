/* SPDX-License-Identifier: MIT */
/*
 * Lives of a domain with a window: calls of maps and unmaps, honest and wild, against a reference
 * of plain arrays that predicts each result, each status and each slot; the fake unit judges what
 * the device can reach in between.
 */
#ifndef TESTS_HOST_WINDOW_LIFE_H
#define TESTS_HOST_WINDOW_LIFE_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/dma/dma.h"
#include "tests/host/draw.h"
#include "tests/host/fake_dma_hw.h"

#define WINDOW_PAGES 96u  /* of the guest, at most */
#define WINDOW_SLOTS 256u /* of the window, at most */

struct window_config {
    struct dma_config dma;
    uint32_t pages; /* of the guest */
    bool eager, caching_mode, failures;
};

/* A slot as the reference knows it: by offset from the window's base, gaps between rows included.
 */
struct ref_slot {
    bool usable;
    uint32_t page, count, rights, wanted;
};

struct window_life {
    struct window_config config;
    struct draw *draw;
    struct dma_hw *hw;
    struct dma_domain *domain;
    uint32_t words[WINDOW_PAGES];
    struct ref_slot slot[WINDOW_SLOTS];
    uint32_t slots;
    uint64_t refused, exists, missing, no_space, no_memory;
    bool dead;
    char failure[256];
};

struct window_config window_draw_config(struct draw *source);
void window_start(struct window_life *w, const struct window_config *config, struct draw *source);
/* False when something did not hold, or the domain died. */
bool window_step(struct window_life *w);
bool window_finish(struct window_life *w);

#endif

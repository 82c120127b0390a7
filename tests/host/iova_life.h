/* SPDX-License-Identifier: MIT */
/*
 * Random lives of an IOVA space beside a reference that knows nothing but which pages are taken. A
 * step is one call, honest or not; after each one the reference says whether it could be so.
 */
#ifndef TESTS_HOST_IOVA_LIFE_H
#define TESTS_HOST_IOVA_LIFE_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/dma/iova.h"
#include "tests/host/draw.h"

#define LIFE_PAGES 640u /* of a space at most */
#define LIFE_CPUS  3u
#define LIFE_LIVE  LIFE_PAGES

struct life_range {
    struct iova_range range;
    uint32_t cpu; /* who allocated it */
};

struct iova_life {
    const struct iova_allocator *allocator;
    struct iova_config config;
    struct iova_space *space;
    void *memory;
    struct draw *draw;
    uint32_t sizes;     /* 0: all; else no larger than this */
    uint32_t full;      /* of 16 steps so many allocate, for the time being */
    bool failing;       /* the lock is not always to be had */
    bool held, refused; /* the lock; refused: since the step began */
    struct life_range live[LIFE_LIVE];
    uint32_t live_count;
    struct iova_range freed; /* the last one */
    /* The reference: who has a page, as an index into live, plus 1; with what the allocator's
     * rounding takes along. */
    uint16_t taken[LIFE_PAGES];
    uint16_t counts[3][LIFE_PAGES]; /* identity: live mappings by rights - 1 */
    uint32_t cached;                /* rbtree: where the last range begins, or what is above it */
    uint32_t allocs, no_space, wrong_frees, refusals;
    char failure[256]; /* the first thing that did not hold; empty: all did */
};

/* Any space; its allocator is given. */
void iova_life_start(struct iova_life *life, const struct iova_allocator *allocator,
                     struct draw *source);
/* False when something did not hold. */
bool iova_life_step(struct iova_life *life);
/* Frees everything, finds the space empty, fills it once more to the last page, and ends it; true
 * when all held. */
bool iova_life_finish(struct iova_life *life);

/* ---- iova_ref.c ---- */
void life_fail(struct iova_life *life, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Could this be the answer? Then takes note of it. */
void life_allocated(struct iova_life *life, const struct iova_range *range, uint32_t cpu,
                    int error);
void life_put(struct iova_life *life, const struct iova_range *range);
void life_freed(struct iova_life *life, uint32_t index);
uint32_t life_granted(const struct iova_life *life, uint32_t pages); /* as the allocator rounds */
bool life_is_identity(const struct iova_life *life);
void life_audit(struct iova_life *life);

#endif

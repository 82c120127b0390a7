/* SPDX-License-Identifier: MIT */
/*
 * tests/host/race.h in steps: guest CPUs and the hypervisor as threads of tests/host/interleave.h,
 * whose steps are the accesses to shared words and the operations of the hardware; the device as
 * events: it fetches what it can whenever it likes, and tokens complete when they like.
 */
#ifndef TESTS_HOST_RACE_STEPS_H
#define TESTS_HOST_RACE_STEPS_H

#include <stdbool.h>
#include <stdint.h>
#include "tests/host/interleave.h"

struct dma_config;

#define RACE_THREADS 3u
#define RACE_ACTS    2u
#define RACE_PENDING 16u /* invalidations that may be under way */

/* What a thread does, one after the other. */
struct race_act {
    enum { NOTHING, USE, USE_TWO, LOWER, FLUSH, SCRIBBLE } kind;
    uint32_t what; /* page (and the next one), quota, or page */
    uint32_t rights;
};

struct race_scene {
    const char *name;
    uint32_t quota, mapped; /* at the start, pages 0..mapped-1 are, for reading */
    struct race_act act[RACE_THREADS][RACE_ACTS]; /* the first two are CPUs of the guest */
};

/* What is done wrong, on purpose. */
extern enum race_broken {
    SOUND,
    LOOK_THEN_REFER, /* the guest's old word is older than its reference */
    REFER_IN_TWO,    /* references are added by a load and a store */
    GIVE_BACK_IN_TWO,
    UNMAP_EARLY,   /* while the DMA is under way */
    GRANT_IN_TWO,  /* residency is set by a load and a store */
    TAKE_BY_STORE, /* residency is taken without comparing */
    GRANT_BEFORE_ENTRY,
    WIDEN_AT_ONCE, /* a wider entry without an invalidation of the narrower one */
    NO_CLEAR,
    CLEAR_LATE, /* after the invalidation was asked for */
    NO_INVALIDATION,
    NO_WAIT,
    RACE_BREAKS
} race_broken;

/* Every order of the scene's steps. */
struct interleave_result race_play(const struct race_scene *scene, const struct dma_config *like);

/* ---- race_hardware.c: the operations as steps, and the device ---- */
void race_hardware_open(void);
extern const char *const race_event_names[];
uint32_t race_events(void);
void race_happen(uint32_t event);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A guest, its driver and its device around the real engine and the fake unit: one step is one
 * thing any of them does. After each step, and in the middle of every call at each of the engine's
 * hardware operations, the design's invariants are checked.
 */
#ifndef TESTS_HOST_DMA_SIM_H
#define TESTS_HOST_DMA_SIM_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/dma/dma.h"
#include "tests/host/dma_ref.h"
#include "tests/host/draw.h"
#include "tests/host/fake_dma_hw.h"

struct sim_config {
    struct dma_config dma;
    uint32_t pages;    /* at most REF_PAGES */
    bool eager;        /* fake: the worst IOTLB */
    bool caching_mode; /* fake */
    bool hostile;      /* the guest writes anything into its words and descriptors */
    bool concurrent;   /* the guest's other CPU and the device act during calls. Without: the
                          reference predicts everything */
    bool unpredicted;  /* no reference knows what the policy does or when invalidations come, or
                          concurrent */
    bool failures;     /* tables run out, the queue dies */
};

#define SIM_BASE   0x40000000ull
#define SIM_FRAMES 0x123456000ull /* GPA != HPA */
#define SIM_LIVE   48u

struct sim_mapping {
    uint32_t page, pages, rights;
};

struct sim {
    struct sim_config config;
    struct draw *draw;
    struct dma_hw *hw;
    struct dma_domain *domain;
    uint32_t *words;
    struct sim_mapping live[SIM_LIVE];
    uint32_t live_count;
    bool scribbled[REF_PAGES]; /* not only the protocol wrote this word */
    struct ref ref;
    uint32_t lost_tables; /* calls in which the hardware ran out of table pages */
    bool honest_burst;    /* the descriptors of the burst in hand are right */
    bool dead;            /* a call timed out */
    char failure[256];    /* the first invariant that did not hold; empty: all did */
};

/* Any configuration the engine accepts. */
struct sim_config sim_draw_config(struct draw *source);
void sim_start(struct sim *sim, const struct sim_config *config, struct draw *source);
/* False when it ended: something did not hold, or the domain died. */
bool sim_step(struct sim *sim);
/* Unmaps everything and frees; true when all held. */
bool sim_finish(struct sim *sim);

/* ---- the parts: dma_sim.c ---- */
int sim_burst(struct sim *sim, struct abi_dma_desc *burst, uint32_t n);
void sim_set_quota(struct sim *sim);

/* ---- dma_sim_check.c ---- */
/* Keeps the first failure's words. */
void sim_fail(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A call's result: as the reference predicts, and -ETIMEDOUT for ever after the first. */
void sim_expect(struct sim *sim, const char *what, int got, int predicted);
void sim_must_reach(struct sim *sim, const struct sim_mapping *m, uint32_t page);
void sim_check_instant(struct sim *sim);
void sim_check(struct sim *sim);
void sim_check_reference(struct sim *sim);

/* ---- dma_sim_guest.c ---- */
void sim_guest_map(struct sim *sim);
void sim_guest_unmap(struct sim *sim);
void sim_guest_scribble(struct sim *sim);
void sim_guest_wild_burst(struct sim *sim);
void sim_device_access(struct sim *sim);
void sim_other_cpu_maps(struct sim *sim);

#endif

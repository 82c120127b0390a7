/* SPDX-License-Identifier: MIT */
/*
 * A guest's own DMA code above, the engine below, and between them a table of a few words: what the
 * tests of their race have in common. A guest has as many CPUs as a test likes, with a ring each;
 * who calls the hypervisor when is the test's affair (race_enter, race_leave).
 */
#ifndef TESTS_HOST_RACE_H
#define TESTS_HOST_RACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "kernel/abi.h"

#define RACE_PAGES 4u
#define RACE_CPUS  2u
#define RACE_BASE  0x40000000ull

struct dma_config;
struct dma_domain;
struct dma_hw;

struct race {
    struct dma_hw *hw; /* tests/host/fake_dma_hw.h */
    struct dma_domain *d;
    size_t domain_bytes;
    uint32_t quota; /* no more than so many may be resident */
    uint32_t words[RACE_PAGES];
    struct abi_dma_desc ring[RACE_CPUS][RACE_PAGES];
    const char *invalid; /* the engine's records were not in order after a call */
};

extern struct race race;

/* A domain with pages 0..mapped-1 mapped for rights, all of them idle and used before. */
void race_open(const struct dma_config *config, uint32_t mapped, uint32_t rights);
void race_close(void);

uint64_t race_address(uint32_t page);
/* From now on the guest's code runs on this CPU. */
void race_on_cpu(uint32_t cpu);

/* The guest's: one burst, 0 or -ENOSPC; and the end of one of its pages' use. */
int race_map(uint32_t page, uint32_t pages, uint32_t rights);
void race_unmap(uint32_t page);

/* Into the engine with a guest's ring; and as somebody of the hypervisor's. */
int race_call(const struct abi_dma_desc *ring, uint64_t count);
int race_lower(uint32_t quota); /* or raise it: dma_domain_set_quota's result */
void race_flush(void);

/* NULL, or in words what the device can do to the page that it must not. */
const char *race_astray(void);
/* Whether a DMA with these rights goes through, whatever the IOTLB holds. */
bool race_reaches(uint32_t page, uint32_t rights);

/* The test's: around every call into the engine. */
void race_enter(void);
void race_leave(void);

#endif

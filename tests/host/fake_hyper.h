/* SPDX-License-Identifier: MIT */
/* A hypervisor for the guest's own code on the host: RAM, a DMA table that every map fills, a ring,
 * and what was asked of it. */
#ifndef TESTS_HOST_FAKE_HYPER_H
#define TESTS_HOST_FAKE_HYPER_H

#include <setjmp.h>
#include <stdint.h>
#include "kernel/abi.h"

#define FAKE_PAGES     256u
#define FAKE_WINDOW    (3 * FAKE_PAGES) /* identity has three rows */
#define FAKE_WINDOW_AT 0x1000000000ull

extern struct fake_hyper {
    uint64_t calls;                 /* ABI_DMA_MAP */
    uint64_t last_descs;            /* of the last call */
    uint64_t pages;                 /* in all descriptors of all calls */
    int map_error;                  /* what the next calls answer */
    uint64_t maps, unmaps;          /* descriptors' pages, with a window */
    uint64_t refuse_map_after;      /* calls with maps are -ENOSPC after so many pages; 0: none */
    uint64_t left;                  /* IOVAs whose last mapping has ended */
    uint32_t deferred;              /* unmapped pages complete so many later */
    uint32_t frame_at[FAKE_WINDOW]; /* page + 1; 0: nothing is mapped there */
    uint32_t counted[FAKE_WINDOW];  /* its mappings */
    uint64_t ready_after[FAKE_WINDOW]; /* unmaps after which an IOVA may be used again */
    uint32_t too_early;                /* IOVAs used again before */
    char said[512];                    /* the last line of say() or fail() */
    jmp_buf failed;                    /* fail() comes back here */
} fake_hyper;

void fake_hyper_reset(void);
/* From now on the guest has a window, of as many pages as it has. */
void fake_hyper_window(enum abi_dma_mode mode, enum abi_dma_calls calls, const char *iova);
/* From now on its maps and unmaps are recorded. */
void fake_hyper_trace(struct abi_trace *trace);
void fake_hyper_args(const char *args);

uint64_t fake_page(uint32_t index); /* its address */
uint32_t *fake_word(uint32_t index);
const struct abi_dma_desc *fake_desc(uint32_t index);

#endif

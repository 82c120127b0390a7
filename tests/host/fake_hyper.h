/* SPDX-License-Identifier: MIT */
/* A hypervisor for the guest's own code on the host: RAM, a DMA table that every map fills, a ring,
 * and what was asked of it. */
#ifndef TESTS_HOST_FAKE_HYPER_H
#define TESTS_HOST_FAKE_HYPER_H

#include <setjmp.h>
#include <stdint.h>
#include "kernel/abi.h"

#define FAKE_PAGES 256u

extern struct fake_hyper {
    uint64_t calls;      /* ABI_DMA_MAP */
    uint64_t last_descs; /* of the last call */
    uint64_t pages;      /* in all descriptors of all calls */
    int map_error;       /* what the next calls answer */
    char said[512];      /* the last line of say() or fail() */
    jmp_buf failed;      /* fail() comes back here */
} fake_hyper;

void fake_hyper_reset(void);
void fake_hyper_args(const char *args);

uint64_t fake_page(uint32_t index); /* its address */
uint32_t *fake_word(uint32_t index);
const struct abi_dma_desc *fake_desc(uint32_t index);

#endif

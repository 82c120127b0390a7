/* SPDX-License-Identifier: MIT */
/* One small domain on the fake unit, and short words for what the unit tests do with it. */
#ifndef TESTS_HOST_DMA_FIXTURE_H
#define TESTS_HOST_DMA_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/dma/dma.h"
#include "kernel/dma/evict.h"
#include "tests/host/fake_dma_hw.h"

#define PAGES  1024u
#define BASE   0x80000000ull
#define FRAMES 0x7654321000ull

#define READ  ABI_DMA_READ
#define WRITE ABI_DMA_WRITE
#define BOTH  ABI_DMA_RIGHTS

struct fixture {
    struct dma_hw *hw;
    struct dma_domain *d;
    uint32_t words[PAGES];
    struct abi_dma_desc burst[ABI_DMA_BURST + 1];
    void *memory;
};

extern const struct dma_config fixture_fifo; /* on-demand, no quota, batches of 1 */

/* Junk in the words, then a domain; checks that it could be made. */
void fixture_open(struct fixture *f, const struct dma_config *config);
/* Checks that the fake saw no violation and the records are valid; frees all. */
void fixture_close(struct fixture *f);

struct abi_dma_desc fixture_desc(uint32_t page, uint32_t pages, uint32_t rights);
/* A burst of one descriptor. */
int fixture_map(struct fixture *f, uint32_t page, uint32_t pages, uint32_t rights);
/* As a driver does: takes the references first, keeps them on success. */
int fixture_use(struct fixture *f, uint32_t page, uint32_t pages, uint32_t rights);
void fixture_drop(struct fixture *f, uint32_t page, uint32_t pages);

bool fixture_device(struct fixture *f, uint32_t page, bool write);
uint32_t fixture_resident(const struct fixture *f);
/* History entries of that kind. */
uint32_t fixture_count(const struct fixture *f, enum fake_operation operation);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Inside of vtd/: the unit, its queue, a domain. Not reentrant: one CPU at a time works on a unit;
 * only vtd_poll_faults may come in between, it touches fault registers alone.
 */
#ifndef VTD_UNIT_H
#define VTD_UNIT_H

#include <stdbool.h>
#include <stdint.h>
#include "drivers/env.h"
#include "drivers/pci.h"
#include "kernel/acpi.h"
#include "kernel/addr.h"
#include "kernel/dma/dma_hw.h"
#include "vtd/vtd_regs.h"

#define VTD_DEADLINE_US   1000000u
#define VTD_MAX_DOMAINS   256u
#define VTD_BATCH_RANGES  64u
#define VTD_PAGE_SELECTED 32u /* descriptors; a batch of more is one domain-selective */

struct vtd_queue {
    struct vtd_descriptor *ring;
    volatile uint32_t *status; /* hardware writes the low half of a finished sequence here */
    uint64_t sequence;         /* of the last wait descriptor */
    uint32_t tail;             /* next free slot */
    uint32_t head;             /* as last read: hardware is there, or further on */
    bool dead;                 /* missed a deadline: takes nothing more */
};

struct vtd_unit {
    uint32_t index;
    hpa_t base;
    uint64_t bytes;      /* of the register set */
    volatile void *regs; /* NULL: absent.c's */
    uint32_t version;
    uint64_t cap, ecap;
    unsigned levels; /* of second-level tables */
    unsigned width;  /* bits of an IOVA */
    hpa_t root, interrupts;
    struct vtd_queue queue;
    struct dma_hw *domain[VTD_MAX_DOMAINS]; /* by domain id; 0 unused */
};

struct vtd_range {
    uint64_t first, pages; /* page numbers */
};

/* What dma_hw_invalidate collected and dma_hw_submit has not handed over yet. */
struct vtd_batch {
    uint32_t ranges;
    bool whole; /* too many: the whole domain */
    bool upper; /* an entry above the leaves changed too */
    struct vtd_range range[VTD_BATCH_RANGES];
};

/* Table pages that nothing links any more, oldest first; 0: none. See retired.c. */
struct vtd_retired {
    hpa_t oldest, newest;
    hpa_t open; /* the first whose invalidation is not handed over yet */
};

struct dma_hw {
    struct vtd_unit *unit;
    uint16_t id;
    uint32_t attached; /* context entries that point here */
    bool passes;       /* they say pass-through: root is not looked at */
    hpa_t root;
    hpa_t reserve; /* frames for splitting superpages, linked by their first word; 0 ends */
    struct vtd_retired retired;
    dma_token_t last;
    struct vtd_batch batch;
    struct dma_hw_stats stats;
};

static inline uint32_t vtd_read32(const struct vtd_unit *u, enum vtd_reg32 reg)
{
    return mmio_read32(u->regs, (uint32_t)reg);
}

static inline void vtd_write32(struct vtd_unit *u, enum vtd_reg32 reg, uint32_t value)
{
    mmio_write32(u->regs, (uint32_t)reg, value);
}

static inline uint64_t vtd_read64(const struct vtd_unit *u, enum vtd_reg64 reg)
{
    return mmio_read64(u->regs, (uint32_t)reg);
}

static inline void vtd_write64(struct vtd_unit *u, enum vtd_reg64 reg, uint64_t value)
{
    mmio_write64(u->regs, (uint32_t)reg, value);
}

static inline bool vtd_has_registers(const struct vtd_unit *u)
{
    return u->regs != NULL;
}

/* entry.c: the only writers of what hardware walks. */

/* One 64-bit word of a root, context or paging entry; flushed from the cache for units that do not
 * snoop (ECAP.C = 0). */
void vtd_entry_write(const struct vtd_unit *u, uint64_t *entry, uint64_t value);
/* A zeroed table page that the unit sees as such, or 0. */
hpa_t vtd_table_alloc(const struct vtd_unit *u);

/* To the allocator, or withdrawn for good. */
void vtd_table_give_back(hpa_t frame, bool quarantine);

/* reserve.c: table pages set aside, so that a split can't fail. */

/* By pages, or not at all: -ENOMEM. */
int vtd_reserve_grow(struct dma_hw *hw, unsigned pages);
/* A zeroed table page; the reserve must not be empty. */
hpa_t vtd_reserve_take(struct dma_hw *hw);

/* retired.c: table pages on their way back. */

/* The page was unlinked; what could be cached of it is in the open batch. */
void vtd_retire(struct dma_hw *hw, hpa_t page);
/* The open batch has become hw->last. */
void vtd_retired_stamp(struct dma_hw *hw);
/* Gives back those whose token has completed. */
void vtd_retired_reap(struct dma_hw *hw);
/* All of them, at the domain's end. */
void vtd_retired_end(struct dma_hw *hw, bool quarantine);

/* unit.c */

/* Maps and reads the registers; -ENODEV, -ENOTSUP with words. */
int vtd_unit_probe(struct vtd_unit *u, uint32_t index, hpa_t base);
/* Sets or clears one bit of GCMD and waits until GSTS says so. -ETIMEDOUT with words. */
int vtd_command(struct vtd_unit *u, uint32_t bit, bool on);
/* Turns off what firmware left on: remapping, queue, event messages. Bus mastering must be off. */
int vtd_unit_quiet(struct vtd_unit *u);
/* Entries made present without an invalidation reach memory. Nothing to do unless CAP.RWBF. */
int vtd_flush_write_buffer(struct vtd_unit *u);
int vtd_protected_memory_off(struct vtd_unit *u);

/* queue.c */

int vtd_queue_start(struct vtd_unit *u);
/* Appends a descriptor; hardware sees it at the next submit, or earlier when the queue is full.
 * -ETIMEDOUT. */
int vtd_queue_add(struct vtd_unit *u, struct vtd_descriptor d);
/* Appends a wait descriptor and hands everything over. */
int vtd_queue_submit(struct vtd_unit *u, dma_token_t *token);
bool vtd_queue_done(const struct vtd_unit *u, dma_token_t token);
int vtd_queue_wait(struct vtd_unit *u, dma_token_t token);
/* add, submit, wait. */
int vtd_queue_run(struct vtd_unit *u, struct vtd_descriptor d);

/* batch.c */

/* Adds to the open batch; never touches the queue. */
void vtd_batch_add(struct dma_hw *hw, iova_t iova, uint64_t pages);
/* Drain bits where CAP has them. */
uint64_t vtd_drains(const struct vtd_unit *u);
/* Everything cached for the domain, paging-structure caches too (IH = 0); waits. */
int vtd_invalidate_domain(struct dma_hw *hw);

/* table.c */

/* Gives every table page back, or withdraws them for good. */
void vtd_table_free(struct dma_hw *hw, bool quarantine);

/* domain.c */

int vtd_domain_new(struct vtd_unit *u, struct dma_hw **domain);

/* context.c */

int vtd_context_attach(struct vtd_unit *u, uint16_t source, struct dma_hw *domain);
int vtd_context_detach(struct vtd_unit *u, uint16_t source);

/* scope.c */

/* The unit that answers for f, or NULL. */
struct vtd_unit *vtd_unit_of(const struct pci_function *f);
/* Whether a DMAR scope names f, or a bridge above it. */
bool vtd_scope_covers(uint16_t segment, const struct acpi_scope *scope,
                      const struct pci_function *f);
/* The bridge that f is behind, or NULL. */
struct pci_function *vtd_bridge_above(const struct pci_function *f);

/* absent.c */

/* The unit without registers, or NULL unless it was started. */
struct vtd_unit *vtd_absent(void);

/* start.c */

struct vtd_unit *vtd_unit(uint32_t index);
/* Whether [frame, frame + pages) holds a page that vtd_is_forbidden. */
bool vtd_reaches_forbidden(hpa_t frame, uint64_t pages);

/* rmrr.c */

int vtd_rmrr_map(const struct acpi_dmar *dmar);

/* remap.c */

/* Interrupt remapping on, every entry blocked. -ENOMEM, -ENOTSUP, -ETIMEDOUT. */
int vtd_remap_start(struct vtd_unit *u);

/* fault.c */

/* Forgets what happened before translation was on. */
void vtd_faults_clear(struct vtd_unit *u);
/* FSTS's error bits of the queue in words. */
const char *vtd_queue_error(uint32_t fsts);

#endif

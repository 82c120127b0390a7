/* SPDX-License-Identifier: MIT */
/* The command line as settings: docs/cmdline.md tells what each means. */
#ifndef KERNEL_OPTIONS_H
#define KERNEL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/abi.h"
#include "kernel/addr.h"
#include "kernel/cmdline.h"
#include "kernel/dma/dma.h"
#include "kernel/dma/iova.h"

#define OPTIONS_LIST       32
#define OPTIONS_NAME       64
#define OPTIONS_ERROR_TEXT 256

struct options {
    char nic[OPTIONS_NAME]; /* "auto" or bus:dev.fn */
    uint32_t works;
    char work[OPTIONS_LIST][OPTIONS_NAME]; /* NAME, or NAME:KEY=VALUE:... */
    uint32_t strategies;
    enum dma_strategy strategy[OPTIONS_LIST];
    uint32_t quotas; /* for on-demand only */
    struct quota_spec quota[OPTIONS_LIST];
    char quota_text[OPTIONS_LIST][OPTIONS_NAME];
    uint32_t irqs;
    bool msi[OPTIONS_LIST]; /* false: poll */
    uint32_t guests;
    bool native[OPTIONS_LIST]; /* false: a virtual machine */
    const struct evict_policy *policy;
    enum dma_flush flush;
    uint32_t evict_batch; /* pages */
    uint32_t prefetch;    /* followers */
    enum dma_hits hits;
    enum abi_dma_calls calls;
    const struct iova_allocator *iova;
    uint32_t rounds;
    uint64_t memory;      /* bytes of guest RAM */
    uint64_t working_set; /* pages; 0: measured */
    uint32_t deadline_ms;
    uint64_t seed;
    uint64_t trace;                                /* events kept of each guest; 0: none */
    bool trace_dump;                               /* and printed after its end */
    char guest[ABI_ARGS_BYTES - OPTIONS_NAME - 8]; /* for the guest, after its work= */
    hpa_t rsdp;                                    /* 0: the firmware's */
    bool unsafe_dma, unsafe_msi, unsafe_no_iommu, unsafe_native;
};

/*
 * Fills out with the defaults, then with text. The console's own options (com1, loglevel, exit)
 * take effect at once, so that what follows is seen where it was asked for. An unknown option is a
 * warning that names the nearest one. -EINVAL: error names the option, what is wrong and what would
 * be right.
 */
int options_parse(const char *text, struct options *out, char error[OPTIONS_ERROR_TEXT]);

const char *dma_strategy_name(enum dma_strategy strategy);
const char *dma_flush_name(enum dma_flush flush);
const char *irq_name(bool msi);
const char *dma_calls_name(enum abi_dma_calls calls);
const char *guest_name(bool native);

/* options_guest.c: the value of guest=. -EINVAL: a piece is neither vm, native nor key=value;
 * -E2BIG. */
int options_guest(struct options *out, const char *value);

#endif

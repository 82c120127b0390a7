/* SPDX-License-Identifier: MIT */
/* The command line as settings: docs/cmdline.md tells what each means. */
#ifndef KERNEL_OPTIONS_H
#define KERNEL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/abi.h"
#include "kernel/addr.h"
#include "kernel/cmdline.h"
#include "kernel/dimension.h"

#define OPTIONS_LIST       32
#define OPTIONS_NAME       DIMENSION_NAME
#define OPTIONS_ERROR_TEXT 256

/* What an option that is a dimension was given: checked, in order. */
struct options_list {
    uint32_t count;
    bool is_given; /* not by default */
    char value[OPTIONS_LIST][OPTIONS_NAME];
};

struct options {
    char nic[OPTIONS_NAME]; /* "auto" or bus:dev.fn */
    struct options_list list[DIMENSIONS];
    char bench[OPTIONS_NAME]; /* the plan's name; "": none */
    uint32_t resume;          /* number of the first case to run, from 1 */
    uint32_t rounds;
    uint64_t memory;      /* bytes of guest RAM */
    uint64_t working_set; /* pages; 0: measured */
    uint32_t deadline_ms; /* of the guest's heartbeat */
    uint32_t limit_s;     /* of a case */
    uint64_t seed;
    uint64_t trace;                                /* events kept of each guest; 0: none */
    bool trace_dump;                               /* and printed after its end */
    char guest[ABI_ARGS_BYTES - OPTIONS_NAME - 8]; /* for the guest, after its work= */
    hpa_t rsdp;                                    /* 0: the firmware's */
    bool unsafe_dma, unsafe_msi, unsafe_no_iommu, unsafe_native;
    bool shell, no_progress;
    bool has_msi; /* not an option: the NIC's, once it is known; else true */
    bool has_vm;  /* likewise: the processor's */
};

/* Where words come from: some make sense at boot alone, others not in a line of a plan. */
enum options_from { OPTIONS_BOOT, OPTIONS_SHELL, OPTIONS_PLAN };

/*
 * Fills out with the defaults, then with text. The console's own options (com1, loglevel, exit)
 * take effect at once, so that what follows is seen where it was asked for. An unknown option is a
 * warning that names the nearest one. -EINVAL: error names the option, what is wrong and what would
 * be right.
 */
int options_parse(const char *text, struct options *out, char error[OPTIONS_ERROR_TEXT]);

/* The words of text on top of what out holds already; of guest= the keys. An unknown option is an
 * error here, and so is one that may not come from there. After an error out is of no use. */
int options_change(const char *text, enum options_from from, struct options *out,
                   char error[OPTIONS_ERROR_TEXT]);

/* The index-th option, in the order of the documentation; false behind the last. */
bool options_known(unsigned index, struct cmdline_option *known);

const char *dma_strategy_name(enum dma_strategy strategy);
const char *dma_flush_name(enum dma_flush flush);
const char *irq_name(bool msi);
const char *dma_calls_name(enum abi_dma_calls calls);
const char *guest_name(bool native);

#endif

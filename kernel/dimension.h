/* SPDX-License-Identifier: MIT */
/*
 * What a case can differ in from the next one: a row each, which knows its names, its default, when
 * it means something, and what it sets. Options, plans, records and the shell all go by these rows.
 * Pure.
 */
#ifndef KERNEL_DIMENSION_H
#define KERNEL_DIMENSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "kernel/abi.h"
#include "kernel/cmdline.h"
#include "kernel/dma/dma.h"
#include "kernel/dma/iova.h"

#define DIMENSION_NAME 64 /* of a value, with its final 0 */

/* In the order of the loops, the outermost first: whether a value means something depends on those
 * before it. */
enum dimension {
    DIM_WORK,
    DIM_STRATEGY,
    DIM_FLUSH,
    DIM_POLICY,
    DIM_PREFETCH,
    DIM_HITS,
    DIM_EVICT,
    DIM_CALLS,
    DIM_IOVA,
    DIM_QUOTA,
    DIM_IRQ,
    DIM_GUEST,
    DIMENSIONS
};

/* One value of each: a case. What means nothing is as setting_begin leaves it. */
struct setting {
    char work[DIMENSION_NAME];
    struct dma_config dma; /* its quota is resolved from the one below, by the guest's floor */
    const struct iova_allocator *iova;
    enum abi_dma_calls calls;
    struct quota_spec quota;
    bool msi;
    bool native;  /* on the bare machine */
    bool has_msi; /* the machine's NIC: irq=msi fits no other */
    bool has_vm;  /* the machine's processor: guest=vm fits no other */
};

struct dimension_row {
    const char *key;          /* the option */
    const char *record;       /* the key in records */
    const char *help;         /* one line: values and default */
    const char *otherwise;    /* the default */
    const char *const *names; /* every value, by its number; NULL: set takes it as text */
    const char *wants;        /* without names: what a value must be */
    int (*set)(struct setting *s, const char *value, unsigned number); /* -EINVAL */
    bool (*means)(const struct setting *s); /* looked at at all? NULL: always */
    bool (*fits)(const struct setting *s);  /* the value goes with those before? NULL: always */
    const char
        *useless;      /* what to say when no case looks at a list that was given; NULL: nothing */
    const char *unfit; /* the same of one value, that fits no case; it is the text's %s */
};

extern const struct dimension_row dimensions[DIMENSIONS];

void setting_begin(struct setting *s, bool has_msi, bool has_vm);
/* Takes this value. -EINVAL, with the reason and what would be right in error. error may be NULL.
 */
int setting_take(struct setting *s, enum dimension d, const char *value, char *error, size_t size);

#endif

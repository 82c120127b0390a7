/* SPDX-License-Identifier: MIT */
/* What the CPUs of a magazine space share: the tree, and full magazines on their way from a CPU
 * that frees to one that allocates. Each function takes the space's lock: 0, or -ETIMEDOUT and
 * nothing has changed, unless it says more. */
#ifndef KERNEL_DMA_IOVA_DEPOT_H
#define KERNEL_DMA_IOVA_DEPOT_H

#include "kernel/dma/iova_space.h"
#include "kernel/dma/iova_tree.h"

#define MAGAZINE_ROUNDS 64u
/* Magazines in the depot: how far a CPU that only frees runs ahead of one that only allocates, and
 * what a call without any room left may have to give to the tree. */
#define DEPOT_MAGAZINES 32u

struct magazine {
    struct magazine *next; /* in the depot */
    uint32_t rounds;
    uint32_t first[MAGAZINE_ROUNDS]; /* page numbers of free ranges, all of one order */
} __attribute__((aligned(IOVA_LINE)));

struct depot {
    const struct iova_space *space; /* its lock is the depot's */
    struct iova_tree tree;
    struct magazine *full[IOVA_ORDERS], *empty;
};

/* magazines: DEPOT_MAGAZINES of them. nodes: iova_tree_bytes(pages of the space). */
void depot_init(struct depot *depot, const struct iova_space *space, struct magazine *magazines,
                void *nodes);

/* Ranges for the empty *m: a full one in exchange, or new ranges from the tree. -ENOSPC. */
int depot_fill(struct depot *depot, struct magazine **m, uint32_t order);

/* An empty magazine for the full *m. */
int depot_take(struct depot *depot, struct magazine **m, uint32_t order);

/* The magazine's ranges back into the tree. */
int depot_give(struct depot *depot, struct magazine *m);

/* All that lies in the depot back into the tree, a magazine at a time: after an error, not all. */
int depot_drain(struct depot *depot);

/* Pages in magazines of the depot; -1 when one of their ranges is not taken in the tree. */
int64_t depot_audit(const struct depot *depot);
/* Pages in this one; likewise. */
int64_t magazine_audit(const struct depot *depot, const struct magazine *m, uint32_t order);

#endif

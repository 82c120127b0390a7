/* SPDX-License-Identifier: MIT */
/*
 * Linux's classical bookkeeping of an IOVA space: a red-black tree of the ranges taken, first fit
 * from the top. rbtree is this and a lock; eiovar and magazine put their caches in front of it.
 */
#ifndef KERNEL_DMA_IOVA_TREE_H
#define KERNEL_DMA_IOVA_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <bsd/sys/tree.h>

#define NODE_NONE 0x0fffffffu /* ends a chain of nodes. Larger than every index */

struct iova_node {
    RB_ENTRY(iova_node) link; /* by first */
    uint64_t first : 28;      /* page number in the space */
    uint64_t pages : 7;
    uint64_t kept : 1;  /* by eiovar: taken from the tree's view, free from the user's */
    uint64_t next : 28; /* the next kept of this size, or the next unused node */
};

RB_HEAD(iova_ranges, iova_node);

struct iova_tree {
    struct iova_ranges ranges;
    struct iova_node *cached; /* the search begins below this one; NULL: at the top */
    struct iova_node *nodes;  /* one a page: as many ranges as there can be */
    uint32_t pages;
    uint32_t fresh; /* nodes from here on were never used */
    uint32_t spare; /* chain of nodes used before */
};

static inline size_t iova_tree_bytes(uint32_t pages)
{
    return pages * sizeof(struct iova_node);
}

/* memory: iova_tree_bytes(pages). */
void iova_tree_init(struct iova_tree *tree, uint32_t pages, void *memory);

/*
 * Takes the highest free range below the cached node, at a multiple of the smallest power of two
 * that holds `pages` pages; if there is none, the highest of all. NULL: no gap is large enough.
 * Walks over the taken ranges above the gap, in the worst case over all of them, twice.
 */
struct iova_node *iova_tree_take(struct iova_tree *tree, uint32_t pages);

/* The taken range that begins there, or NULL. O(log n), as iova_tree_give. */
struct iova_node *iova_tree_find(const struct iova_tree *tree, uint32_t first);
void iova_tree_give(struct iova_tree *tree, struct iova_node *node);

/* The pages taken, -1 when the tree is broken. */
int64_t iova_tree_audit(const struct iova_tree *tree);

#endif

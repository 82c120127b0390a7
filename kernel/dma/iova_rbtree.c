/* SPDX-License-Identifier: MIT */
#include "kernel/dma/iova_space.h"
#include "kernel/dma/iova_tree.h"

struct rbtree {
    struct iova_space space;
    struct iova_tree tree;
};

static struct rbtree *of(const struct iova_space *space)
{
    return (struct rbtree *)space;
}

static size_t bytes(const struct iova_config *config)
{
    return sizeof(struct rbtree) + iova_tree_bytes(config->pages);
}

static void init(struct iova_space *space)
{
    struct rbtree *r = of(space);

    iova_tree_init(&r->tree, space->config.pages, r + 1);
}

static int alloc_range(struct iova_space *space, struct iova_range *range, uint32_t cpu)
{
    struct iova_node *node;

    (void)cpu;
    if (!iova_lock(space))
        return -ETIMEDOUT;
    node = iova_tree_take(&of(space)->tree, range->pages);
    if (node)
        range->at = iova_of(space, node->first);
    iova_unlock(space);
    return node ? 0 : -ENOSPC;
}

static int free_range(struct iova_space *space, const struct iova_range *range, uint32_t cpu)
{
    struct iova_tree *tree = &of(space)->tree;
    struct iova_node *node;
    uint32_t first;

    (void)cpu;
    if (!iova_first(space, range->at, &first))
        return -EINVAL;
    if (!iova_lock(space))
        return -ETIMEDOUT;
    node = iova_tree_find(tree, first);
    if (node && node->pages != range->pages)
        node = NULL;
    if (node)
        iova_tree_give(tree, node);
    iova_unlock(space);
    return node ? 0 : -EINVAL;
}

static int64_t audit(const struct iova_space *space)
{
    return iova_tree_audit(&of(space)->tree);
}

const struct iova_allocator iova_rbtree = {
    .name = "rbtree",
    .check = iova_space_check,
    .bytes = bytes,
    .init = init,
    .alloc = alloc_range,
    .free = free_range,
    .audit = audit,
};

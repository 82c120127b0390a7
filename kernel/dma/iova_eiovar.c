/* SPDX-License-Identifier: MIT */
/* EiovaR (Malka, Amit, Tsafrir, FAST'15): a freed range stays in the tree, and on a list of its
 * size, where the next of that size finds it in constant time. */
#include "kernel/dma/iova_space.h"
#include "kernel/dma/iova_tree.h"

/* Ranges kept at most: what a call without any room left may have to give to the tree; and how many
 * of them in one go, so that the lock comes free in between. */
#define KEPT_MAX 4096u
#define GIVE_MAX 64u

struct eiovar {
    struct iova_space space;
    struct iova_tree tree;
    uint32_t kept; /* ranges on all lists */
    uint32_t lists[IOVA_MAX_PAGES + 1];
};

static struct eiovar *of(const struct iova_space *space)
{
    return (struct eiovar *)space;
}

static size_t bytes(const struct iova_config *config)
{
    return sizeof(struct eiovar) + iova_tree_bytes(config->pages);
}

static void init(struct iova_space *space)
{
    struct eiovar *e = of(space);

    iova_tree_init(&e->tree, space->config.pages, e + 1);
    for (uint32_t i = 0; i <= IOVA_MAX_PAGES; i++)
        e->lists[i] = NODE_NONE;
}

static struct iova_node *pop(struct eiovar *e, uint32_t pages)
{
    struct iova_node *node;

    if (e->lists[pages] == NODE_NONE)
        return NULL;
    node = &e->tree.nodes[e->lists[pages]];
    e->lists[pages] = node->next;
    node->kept = 0;
    e->kept--;
    return node;
}

static void push(struct eiovar *e, struct iova_node *node)
{
    node->kept = 1;
    node->next = e->lists[node->pages];
    e->lists[node->pages] = (uint32_t)(node - e->tree.nodes);
    e->kept++;
}

static void give(struct eiovar *e, uint32_t most)
{
    struct iova_node *node;

    for (uint32_t pages = 1; pages <= IOVA_MAX_PAGES; pages++)
        for (; most && (node = pop(e, pages)); most--)
            iova_tree_give(&e->tree, node);
}

/* 0, -ENOSPC or -ETIMEDOUT. */
static int take(struct eiovar *e, struct iova_range *range)
{
    struct iova_node *node;

    if (!iova_lock(&e->space))
        return -ETIMEDOUT;
    node = pop(e, range->pages);
    if (!node)
        node = iova_tree_take(&e->tree, range->pages);
    if (node)
        range->at = iova_of(&e->space, node->first);
    iova_unlock(&e->space);
    return node ? 0 : -ENOSPC;
}

static int alloc_range(struct iova_space *space, struct iova_range *range, uint32_t cpu)
{
    struct eiovar *e = of(space);
    int error = take(e, range);
    bool gave = false;

    (void)cpu;
    if (error != -ENOSPC)
        return error;
    for (uint32_t i = 0; i < KEPT_MAX / GIVE_MAX; i++) {
        bool any;

        if (!iova_lock(space))
            return -ETIMEDOUT;
        any = e->kept != 0;
        give(e, GIVE_MAX);
        iova_unlock(space);
        if (!any)
            break;
        gave = true;
    }
    return gave ? take(e, range) : -ENOSPC;
}

static int free_range(struct iova_space *space, const struct iova_range *range, uint32_t cpu)
{
    struct eiovar *e = of(space);
    struct iova_node *node;
    uint32_t first;

    (void)cpu;
    if (!iova_first(space, range->at, &first))
        return -EINVAL;
    if (!iova_lock(space))
        return -ETIMEDOUT;
    node = iova_tree_find(&e->tree, first);
    if (node && (node->kept || node->pages != range->pages))
        node = NULL;
    if (node && e->kept < KEPT_MAX)
        push(e, node);
    else if (node)
        iova_tree_give(&e->tree, node);
    iova_unlock(space);
    return node ? 0 : -EINVAL;
}

static void trim(struct iova_space *space)
{
    give(of(space), KEPT_MAX);
}

static int64_t audit(const struct iova_space *space)
{
    const struct eiovar *e = of(space);
    int64_t taken = iova_tree_audit(&e->tree);
    uint32_t kept = 0;

    for (uint32_t pages = 1; pages <= IOVA_MAX_PAGES; pages++)
        for (uint32_t i = e->lists[pages]; i != NODE_NONE; i = e->tree.nodes[i].next) {
            const struct iova_node *node = &e->tree.nodes[i];

            if (++kept > e->kept || !node->kept || node->pages != pages ||
                iova_tree_find(&e->tree, node->first) != node)
                return -1;
            taken -= pages;
        }
    return kept == e->kept && kept <= KEPT_MAX ? taken : -1;
}

const struct iova_allocator iova_eiovar = {
    .name = "eiovar",
    .check = iova_space_check,
    .bytes = bytes,
    .init = init,
    .alloc = alloc_range,
    .free = free_range,
    .trim = trim,
    .audit = audit,
};

/* SPDX-License-Identifier: MIT */
#include "kernel/dma/iova_tree.h"
#include "kernel/dma/iova_space.h"

static int compare(const struct iova_node *a, const struct iova_node *b)
{
    return (a->first > b->first) - (a->first < b->first);
}

/* RB_GENERATE_STATIC wants the BSDs' __unused, which glibc does not define. */
RB_GENERATE_INTERNAL(iova_ranges, iova_node, link, compare, __attribute__((unused)) static)

void iova_tree_init(struct iova_tree *tree, uint32_t pages, void *memory)
{
    *tree = (struct iova_tree){.nodes = memory, .pages = pages, .spare = NODE_NONE};
}

/* There is always one: each range has a page of its own. */
static struct iova_node *new_node(struct iova_tree *tree)
{
    struct iova_node *node;

    if (tree->spare == NODE_NONE)
        return &tree->nodes[tree->fresh++];
    node = &tree->nodes[tree->spare];
    tree->spare = node->next;
    return node;
}

/* The highest range that fits below `above`; NULL: below the top of the space. */
static bool find_gap(const struct iova_tree *tree, struct iova_node *above, uint32_t pages,
                     uint32_t *first)
{
    uint32_t high = above ? above->first : tree->pages;
    struct iova_node *below = above ? RB_PREV(iova_ranges, NULL, above)
                                    : RB_MAX(iova_ranges, (struct iova_ranges *)&tree->ranges);

    for (;;) {
        uint32_t low = below ? below->first + below->pages : 0;

        if (high - low >= pages) {
            *first = (uint32_t)align_down(high - pages, 1ull << iova_order(pages));
            if (*first >= low)
                return true;
        }
        if (!below)
            return false;
        high = below->first;
        below = RB_PREV(iova_ranges, NULL, below);
    }
}

struct iova_node *iova_tree_take(struct iova_tree *tree, uint32_t pages)
{
    struct iova_node *node;
    uint32_t first;

    /* Gaps above the cached node are those that were too small for who came by. */
    if (!find_gap(tree, tree->cached, pages, &first) &&
        !(tree->cached && find_gap(tree, NULL, pages, &first)))
        return NULL;
    node = new_node(tree);
    *node = (struct iova_node){.first = first, .pages = pages, .next = NODE_NONE};
    RB_INSERT(iova_ranges, &tree->ranges, node);
    tree->cached = node;
    return node;
}

struct iova_node *iova_tree_find(const struct iova_tree *tree, uint32_t first)
{
    struct iova_node key = {.first = first};

    return RB_FIND(iova_ranges, (struct iova_ranges *)&tree->ranges, &key);
}

void iova_tree_give(struct iova_tree *tree, struct iova_node *node)
{
    if (tree->cached && node->first >= tree->cached->first)
        tree->cached = RB_NEXT(iova_ranges, NULL, node);
    RB_REMOVE(iova_ranges, &tree->ranges, node);
    node->next = tree->spare;
    tree->spare = (uint32_t)(node - tree->nodes);
}

int64_t iova_tree_audit(const struct iova_tree *tree)
{
    uint32_t end = 0, nodes = 0;
    int64_t pages = 0;
    struct iova_node *node;

    RB_FOREACH(node, iova_ranges, (struct iova_ranges *)&tree->ranges)
    {
        uint32_t first = node->first;

        if (first < end || node->pages == 0 || !is_aligned(first, 1ull << iova_order(node->pages)))
            return -1;
        end = first + node->pages;
        pages += node->pages;
        nodes++;
    }
    if (end > tree->pages)
        return -1;
    for (uint32_t i = tree->spare; i != NODE_NONE && nodes <= tree->fresh; i = tree->nodes[i].next)
        nodes++;
    return nodes == tree->fresh ? pages : -1;
}

/* SPDX-License-Identifier: MIT */
#include "kernel/dma/iova_depot.h"

static struct magazine *pop(struct magazine **list)
{
    struct magazine *m = *list;

    if (m)
        *list = m->next;
    return m;
}

static void push(struct magazine **list, struct magazine *m)
{
    m->next = *list;
    *list = m;
}

void depot_init(struct depot *depot, const struct iova_space *space, struct magazine *magazines,
                void *nodes)
{
    *depot = (struct depot){.space = space};
    iova_tree_init(&depot->tree, space->config.pages, nodes);
    for (uint32_t i = 0; i < DEPOT_MAGAZINES; i++)
        push(&depot->empty, &magazines[i]);
}

/* As many ranges as lie together in 64 pages: they share a line of the space's `live`, which then
 * is one CPU's. */
static void fill_from_tree(struct depot *depot, struct magazine *m, uint32_t order)
{
    for (uint32_t i = 0; i < IOVA_MAX_PAGES >> order; i++) {
        struct iova_node *node = iova_tree_take(&depot->tree, 1u << order);

        if (!node)
            break;
        m->first[m->rounds++] = node->first;
    }
}

int depot_fill(struct depot *depot, struct magazine **m, uint32_t order)
{
    struct magazine *full;

    if (!iova_lock(depot->space))
        return -ETIMEDOUT;
    full = pop(&depot->full[order]);
    if (full) {
        push(&depot->empty, *m);
        *m = full;
    } else {
        fill_from_tree(depot, *m, order);
    }
    iova_unlock(depot->space);
    return (*m)->rounds ? 0 : -ENOSPC;
}

static void give(struct depot *depot, struct magazine *m)
{
    while (m->rounds)
        iova_tree_give(&depot->tree, iova_tree_find(&depot->tree, m->first[--m->rounds]));
}

int depot_take(struct depot *depot, struct magazine **m, uint32_t order)
{
    struct magazine *empty;

    if (!iova_lock(depot->space))
        return -ETIMEDOUT;
    empty = pop(&depot->empty);
    if (empty) {
        push(&depot->full[order], *m);
        *m = empty;
    } else {
        give(depot, *m);
    }
    iova_unlock(depot->space);
    return 0;
}

int depot_give(struct depot *depot, struct magazine *m)
{
    if (m->rounds == 0)
        return 0;
    if (!iova_lock(depot->space))
        return -ETIMEDOUT;
    give(depot, m);
    iova_unlock(depot->space);
    return 0;
}

int depot_drain(struct depot *depot)
{
    for (uint32_t i = 0; i < DEPOT_MAGAZINES; i++) {
        struct magazine *m = NULL;

        if (!iova_lock(depot->space))
            return -ETIMEDOUT;
        for (uint32_t order = 0; order < IOVA_ORDERS && !m; order++)
            m = pop(&depot->full[order]);
        if (m) {
            give(depot, m);
            push(&depot->empty, m);
        }
        iova_unlock(depot->space);
        if (!m)
            break;
    }
    return 0;
}

int64_t magazine_audit(const struct depot *depot, const struct magazine *m, uint32_t order)
{
    if (m->rounds > MAGAZINE_ROUNDS)
        return -1;
    for (uint32_t i = 0; i < m->rounds; i++) {
        const struct iova_node *node = iova_tree_find(&depot->tree, m->first[i]);

        if (!node || node->pages != 1u << order)
            return -1;
    }
    return (int64_t)m->rounds << order;
}

int64_t depot_audit(const struct depot *depot)
{
    int64_t pages = 0;

    for (uint32_t order = 0; order < IOVA_ORDERS; order++)
        for (const struct magazine *m = depot->full[order]; m; m = m->next) {
            int64_t in_this = magazine_audit(depot, m, order);

            if (in_this < 0)
                return -1;
            pages += in_this;
        }
    return pages;
}

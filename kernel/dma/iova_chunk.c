/* SPDX-License-Identifier: MIT */
#include "kernel/dma/iova_chunk.h"

void chunk_push(struct chunk_pool *pool, uint32_t i)
{
    uint64_t old = __atomic_load_n(&pool->head, __ATOMIC_RELAXED), new;

    __atomic_store_n(&pool->chunks[i].owner, 0, __ATOMIC_RELAXED);
    do {
        __atomic_store_n(&pool->chunks[i].next, (uint32_t)old, __ATOMIC_RELAXED);
        new = ((old >> 32) + 1) << 32 | i;
    } while (!__atomic_compare_exchange_n(&pool->head, &old, new, false, __ATOMIC_RELEASE,
                                          __ATOMIC_RELAXED));
}

uint32_t chunk_pop(struct chunk_pool *pool)
{
    uint64_t old = __atomic_load_n(&pool->head, __ATOMIC_ACQUIRE), new;

    do {
        if ((uint32_t)old == CHUNK_NONE)
            return CHUNK_NONE;
        new = ((old >> 32) + 1) << 32 |
              __atomic_load_n(&pool->chunks[(uint32_t)old].next, __ATOMIC_RELAXED);
    } while (!__atomic_compare_exchange_n(&pool->head, &old, new, false, __ATOMIC_ACQUIRE,
                                          __ATOMIC_ACQUIRE));
    return (uint32_t)old;
}

void chunk_pool_init(struct chunk_pool *pool, struct chunk *chunks, uint32_t count)
{
    *pool = (struct chunk_pool){.chunks = chunks, .count = count, .head = CHUNK_NONE};
    for (uint32_t i = count; i-- > 0;)
        chunk_push(pool, i);
}

static void link(struct chunk_pool *pool, uint32_t *list, uint32_t i)
{
    struct chunk *chunk = &pool->chunks[i];

    chunk->listed = true;
    chunk->prev = CHUNK_NONE;
    __atomic_store_n(&chunk->next, *list, __ATOMIC_RELAXED);
    if (*list != CHUNK_NONE)
        pool->chunks[*list].prev = i;
    *list = i;
}

static void unlink(struct chunk_pool *pool, uint32_t *list, uint32_t i)
{
    struct chunk *chunk = &pool->chunks[i];

    chunk->listed = false;
    if (chunk->prev == CHUNK_NONE)
        *list = chunk->next;
    else
        __atomic_store_n(&pool->chunks[chunk->prev].next, chunk->next, __ATOMIC_RELAXED);
    if (chunk->next != CHUNK_NONE)
        pool->chunks[chunk->next].prev = chunk->prev;
}

void chunk_drop_used(struct chunk_pool *pool, uint32_t *list)
{
    if (*list != CHUNK_NONE && pool->chunks[*list].free == 0)
        unlink(pool, list, *list);
}

void chunk_release(struct chunk_pool *pool, uint32_t *list, uint32_t i)
{
    unlink(pool, list, i);
    chunk_push(pool, i);
}

void chunk_release_empty(struct chunk_pool *pool, uint32_t *list, uint32_t order)
{
    if (*list != CHUNK_NONE && pool->chunks[*list].free == chunk_all(order))
        chunk_release(pool, list, *list);
}

void chunk_list(struct chunk_pool *pool, uint32_t *list, uint32_t order, uint32_t i)
{
    chunk_drop_used(pool, list);
    chunk_release_empty(pool, list, order);
    link(pool, list, i);
}

int64_t chunk_audit_list(const struct chunk_pool *pool, uint32_t head, uint32_t owner)
{
    int64_t length = 0;
    uint32_t prev = CHUNK_NONE;

    for (uint32_t i = head; i != CHUNK_NONE; i = pool->chunks[i].next) {
        const struct chunk *chunk = &pool->chunks[i];
        bool alone = prev == CHUNK_NONE && chunk->next == CHUNK_NONE;

        if (++length > pool->count || chunk->owner != owner || chunk->prev != prev)
            return -1;
        if (!chunk->listed || (chunk->free == 0 && i != head))
            return -1;
        if (chunk->free == chunk_all(chunk_order(owner)) && !alone)
            return -1;
        prev = i;
    }
    return length;
}

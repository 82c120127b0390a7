/* SPDX-License-Identifier: MIT */
/*
 * Size classes as a general-purpose allocator has them (Peleg et al., ATC'15, used kmalloc itself
 * and took its addresses for page numbers). The space is cut into chunks of 64 pages. A chunk
 * belongs to one CPU and holds ranges of one size, so that an address says by its chunk whose it is
 * and how large; 64 bits say which of its ranges are free. Another CPU's free sets a bit in a
 * second word and, if it is the first one there, puts the chunk on the owner's stack. There is no
 * lock at all.
 */
#include "kernel/dma/iova_chunk.h"

struct class_cpu {
    uint32_t partial[IOVA_ORDERS];
    uint32_t pending; /* taken out of its inbox, not looked at yet */
    uint32_t drained; /* the value of drain that it has answered */
} __attribute__((aligned(IOVA_LINE)));

/* A CPU's chunks in which others freed: a stack that they push on. */
struct class_inbox {
    uint32_t head;
} __attribute__((aligned(IOVA_LINE)));

struct classes {
    struct iova_space space;
    struct class_cpu *cpus;
    struct class_inbox *inboxes; /* one a CPU */
    uint32_t drain; /* raised by who finds no room: every CPU is to give up its empty chunks */
    struct chunk_pool pool;
};

static struct classes *of(const struct iova_space *space)
{
    return (struct classes *)space;
}

static int check(const struct iova_config *config)
{
    return config->pages < CHUNK_PAGES ? -EINVAL : iova_space_check(config);
}

static size_t bytes(const struct iova_config *config)
{
    return sizeof(struct classes) +
           config->cpus * (sizeof(struct class_cpu) + sizeof(struct class_inbox)) +
           config->pages / CHUNK_PAGES * sizeof(struct chunk);
}

static void init(struct iova_space *space)
{
    struct classes *s = of(space);

    s->cpus = (struct class_cpu *)(s + 1);
    s->inboxes = (struct class_inbox *)(s->cpus + space->config.cpus);
    for (uint32_t cpu = 0; cpu < space->config.cpus; cpu++) {
        struct class_cpu *c = &s->cpus[cpu];

        for (uint32_t order = 0; order < IOVA_ORDERS; order++)
            c->partial[order] = CHUNK_NONE;
        c->pending = s->inboxes[cpu].head = CHUNK_NONE;
    }
    chunk_pool_init(&s->pool, (struct chunk *)(s->inboxes + space->config.cpus),
                    space->config.pages / CHUNK_PAGES);
}

/* Ranges of one of the CPU's own chunks are free again. */
static inline void give_back(struct classes *s, struct class_cpu *c, uint32_t order, uint32_t i,
                             uint64_t bits)
{
    struct chunk *chunk = &s->pool.chunks[i];
    uint32_t *list = &c->partial[order];

    __atomic_store_n(&chunk->free, chunk->free | bits, __ATOMIC_RELAXED);
    if (!chunk->listed)
        chunk_list(&s->pool, list, order, i);
    if (chunk->free == chunk_all(order) && (*list != i || chunk->next != CHUNK_NONE))
        chunk_release(&s->pool, list, i);
}

/* Takes what others freed in one chunk. False: there is no such chunk. */
static bool collect_one(struct classes *s, uint32_t cpu)
{
    struct class_cpu *c = &s->cpus[cpu];
    struct chunk *chunk;
    uint32_t i, owner;
    uint64_t bits;

    if (c->pending == CHUNK_NONE)
        c->pending = __atomic_exchange_n(&s->inboxes[cpu].head, CHUNK_NONE, __ATOMIC_ACQUIRE);
    i = c->pending;
    if (i == CHUNK_NONE)
        return false;
    chunk = &s->pool.chunks[i];
    /* Read first: once its bits are taken, the chunk may be pushed again. */
    c->pending = chunk->remote_next;
    bits = __atomic_exchange_n(&chunk->remote, 0, __ATOMIC_ACQ_REL);
    owner = chunk->owner;
    bits &= ~chunk->free;
    /* Otherwise someone freed what he did not have, and after the checks. */
    if (chunk_is_owned(owner) && chunk_cpu(owner) == cpu && bits)
        give_back(s, c, chunk_order(owner), i, bits);
    return true;
}

static void drain_cpu(struct classes *s, uint32_t cpu)
{
    struct class_cpu *c = &s->cpus[cpu];

    for (uint32_t i = 0; i < s->pool.count && collect_one(s, cpu); i++)
        ;
    for (uint32_t order = 0; order < IOVA_ORDERS; order++)
        chunk_release_empty(&s->pool, &c->partial[order], order);
}

static void trim(struct iova_space *space)
{
    for (uint32_t cpu = 0; cpu < space->config.cpus; cpu++)
        drain_cpu(of(space), cpu);
}

/* No room: what is within reach goes back into the pool, and the others are asked for theirs. */
static void drain_all(struct classes *s, uint32_t cpu)
{
    s->cpus[cpu].drained = __atomic_add_fetch(&s->drain, 1, __ATOMIC_RELAXED);
    if (s->space.config.lock)
        drain_cpu(s, cpu);
    else
        trim(&s->space); /* no other CPU is inside */
}

static inline bool is_asked(const struct classes *s, uint32_t cpu)
{
    return __atomic_load_n(&s->drain, __ATOMIC_RELAXED) != s->cpus[cpu].drained;
}

static void answer_drain(struct classes *s, uint32_t cpu)
{
    s->cpus[cpu].drained = __atomic_load_n(&s->drain, __ATOMIC_RELAXED);
    drain_cpu(s, cpu);
}

/* Puts a chunk with free ranges of this size at the head of the CPU's list. */
static bool refill(struct classes *s, uint32_t cpu, uint32_t order)
{
    uint32_t *list = &s->cpus[cpu].partial[order], i;

    chunk_drop_used(&s->pool, list);
    for (i = 0; i < s->pool.count && *list == CHUNK_NONE && collect_one(s, cpu); i++)
        ;
    if (*list != CHUNK_NONE)
        return true;
    i = chunk_pop(&s->pool);
    if (i == CHUNK_NONE) {
        drain_all(s, cpu);
        if (*list != CHUNK_NONE)
            return true;
        i = chunk_pop(&s->pool);
    }
    if (i == CHUNK_NONE)
        return false;
    __atomic_store_n(&s->pool.chunks[i].free, chunk_all(order), __ATOMIC_RELAXED);
    __atomic_store_n(&s->pool.chunks[i].owner, chunk_owner(cpu, order), __ATOMIC_RELAXED);
    chunk_list(&s->pool, list, order, i);
    return true;
}

static inline int take(struct classes *s, uint32_t i, struct iova_range *range, uint32_t order)
{
    struct chunk *chunk = &s->pool.chunks[i];
    uint64_t bits = chunk->free;

    __atomic_store_n(&chunk->free, bits & (bits - 1), __ATOMIC_RELAXED);
    range->at = iova_of(&s->space, i * CHUNK_PAGES + ((uint32_t)__builtin_ctzll(bits) << order));
    return 0;
}

/* Apart from the fast path, which then needs no stack. */
__attribute__((noinline)) static int alloc_slowly(struct classes *s, struct iova_range *range,
                                                  uint32_t cpu)
{
    uint32_t order = iova_order(range->pages);

    if (is_asked(s, cpu))
        answer_drain(s, cpu);
    if (!refill(s, cpu, order))
        return -ENOSPC;
    return take(s, s->cpus[cpu].partial[order], range, order);
}

static int alloc_range(struct iova_space *space, struct iova_range *range, uint32_t cpu)
{
    struct classes *s = of(space);
    uint32_t order = iova_order(range->pages), i = s->cpus[cpu].partial[order];

    if (i == CHUNK_NONE || s->pool.chunks[i].free == 0 || is_asked(s, cpu))
        return alloc_slowly(s, range, cpu);
    return take(s, i, range, order);
}

static int free_remote(struct classes *s, uint32_t i, uint64_t bit, uint32_t owner_cpu)
{
    struct chunk *chunk = &s->pool.chunks[i];
    uint32_t *stack = &s->inboxes[owner_cpu].head, head;
    uint64_t before = __atomic_fetch_or(&chunk->remote, bit, __ATOMIC_ACQ_REL);

    if (before & bit)
        return -EINVAL;
    if (before)
        return 0; /* it is on the stack, or about to be */
    head = __atomic_load_n(stack, __ATOMIC_RELAXED);
    do
        chunk->remote_next = head;
    while (
        !__atomic_compare_exchange_n(stack, &head, i, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    return 0;
}

static int free_range(struct iova_space *space, const struct iova_range *range, uint32_t cpu)
{
    struct classes *s = of(space);
    uint32_t order = iova_order(range->pages), first, owner;
    struct chunk *chunk;
    uint64_t bit;
    int error = 0;

    if (!iova_first(space, range->at, &first) || first / CHUNK_PAGES >= s->pool.count)
        return -EINVAL;
    chunk = &s->pool.chunks[first / CHUNK_PAGES];
    owner = __atomic_load_n(&chunk->owner, __ATOMIC_RELAXED);
    if (!chunk_is_owned(owner) || chunk_order(owner) != order || !is_aligned(first, 1ull << order))
        return -EINVAL;
    bit = 1ull << (first % CHUNK_PAGES >> order);
    if ((__atomic_load_n(&chunk->free, __ATOMIC_RELAXED) |
         __atomic_load_n(&chunk->remote, __ATOMIC_RELAXED)) &
        bit)
        return -EINVAL;
    if (chunk_cpu(owner) != cpu)
        error = free_remote(s, first / CHUNK_PAGES, bit, chunk_cpu(owner));
    else
        give_back(s, &s->cpus[cpu], order, first / CHUNK_PAGES, bit);
    if (is_asked(s, cpu))
        answer_drain(s, cpu);
    return error;
}

static int64_t audit(const struct iova_space *space)
{
    const struct classes *s = of(space);
    int64_t live = 0, in_pool = 0, listed = 0;

    for (uint32_t cpu = 0; cpu < space->config.cpus; cpu++)
        for (uint32_t order = 0; order < IOVA_ORDERS; order++) {
            int64_t length =
                chunk_audit_list(&s->pool, s->cpus[cpu].partial[order], chunk_owner(cpu, order));

            if (length < 0)
                return -1;
            listed += length;
        }
    for (uint32_t i = (uint32_t)s->pool.head; i != CHUNK_NONE; i = s->pool.chunks[i].next)
        if (++in_pool > s->pool.count || s->pool.chunks[i].owner)
            return -1;
    for (uint32_t i = 0; i < s->pool.count; i++) {
        const struct chunk *chunk = &s->pool.chunks[i];
        uint32_t order = chunk_order(chunk->owner);

        in_pool -= chunk->owner == 0;
        if (chunk->owner == 0)
            continue;
        if (chunk->free & chunk->remote || (chunk->free | chunk->remote) & ~chunk_all(order))
            return -1;
        listed -= chunk->listed;
        if (chunk->free && !chunk->listed)
            return -1;
        for (uint64_t used = chunk_all(order) & ~(chunk->free | chunk->remote); used;
             used &= used - 1)
            live += 1 << order;
    }
    return in_pool == 0 && listed == 0 ? live : -1;
}

const struct iova_allocator iova_sizeclass = {
    .name = "sizeclass",
    .check = check,
    .bytes = bytes,
    .init = init,
    .alloc = alloc_range,
    .free = free_range,
    .trim = trim,
    .audit = audit,
};

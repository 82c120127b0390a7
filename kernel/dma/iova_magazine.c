/* SPDX-License-Identifier: MIT */
/*
 * Magazines (Bonwick, Adams, USENIX'01; for IOVAs Peleg et al., ATC'15): a CPU keeps two stacks of
 * free ranges a size, loaded and previous, and touches nothing shared until both are empty, or
 * full. Then it exchanges a whole one with the depot. Below the depot is the tree: the addresses
 * stay packed, and with them the page tables.
 */
#include "kernel/dma/iova_depot.h"

struct magazine_cpu {
    struct magazine *loaded[IOVA_ORDERS], *previous[IOVA_ORDERS];
    uint32_t drained; /* the value of drain that it has answered */
} __attribute__((aligned(IOVA_LINE)));

struct magazines {
    struct iova_space space;
    struct magazine_cpu *cpus;
    uint8_t *live;  /* a page: how many pages the range that begins there has; 0: none does */
    uint32_t drain; /* raised by who finds no room: every CPU is to give up what it keeps */
    struct depot depot __attribute__((aligned(IOVA_LINE)));
};

static struct magazines *of(const struct iova_space *space)
{
    return (struct magazines *)space;
}

/* Two a size for each CPU, and the depot's. */
static size_t magazine_count(const struct iova_config *config)
{
    return (size_t)2 * IOVA_ORDERS * config->cpus + DEPOT_MAGAZINES;
}

static size_t bytes(const struct iova_config *config)
{
    return sizeof(struct magazines) + config->cpus * sizeof(struct magazine_cpu) +
           magazine_count(config) * sizeof(struct magazine) + iova_tree_bytes(config->pages) +
           config->pages;
}

static void init(struct iova_space *space)
{
    struct magazines *s = of(space);
    const struct iova_config *config = &space->config;
    struct magazine *m;
    char *nodes;

    s->cpus = (struct magazine_cpu *)(s + 1);
    m = (struct magazine *)(s->cpus + config->cpus);
    nodes = (char *)(m + magazine_count(config));
    s->live = (uint8_t *)nodes + iova_tree_bytes(config->pages);
    depot_init(&s->depot, space, m, nodes);
    m += DEPOT_MAGAZINES;
    for (uint32_t cpu = 0; cpu < config->cpus; cpu++)
        for (uint32_t order = 0; order < IOVA_ORDERS; order++) {
            s->cpus[cpu].loaded[order] = m++;
            s->cpus[cpu].previous[order] = m++;
        }
}

static void swap(struct magazine_cpu *c, uint32_t order)
{
    struct magazine *loaded = c->loaded[order];

    c->loaded[order] = c->previous[order];
    c->previous[order] = loaded;
}

static int drain_cpu(struct magazines *s, struct magazine_cpu *c)
{
    int error = 0;

    for (uint32_t order = 0; order < IOVA_ORDERS && !error; order++) {
        error = depot_give(&s->depot, c->loaded[order]);
        if (!error)
            error = depot_give(&s->depot, c->previous[order]);
    }
    return error;
}

/* No room: what is within reach goes back into the tree, and the others are asked for theirs. */
static int drain_all(struct magazines *s, uint32_t cpu)
{
    uint32_t drain = __atomic_add_fetch(&s->drain, 1, __ATOMIC_RELAXED);
    int error = depot_drain(&s->depot);

    for (uint32_t i = 0; i < s->space.config.cpus && !error; i++) {
        /* Without a lock no other CPU is inside. */
        if (i != cpu && s->space.config.lock)
            continue;
        error = drain_cpu(s, &s->cpus[i]);
        s->cpus[i].drained = drain;
    }
    return error;
}

static inline bool is_asked(const struct magazines *s, const struct magazine_cpu *c)
{
    return __atomic_load_n(&s->drain, __ATOMIC_RELAXED) != c->drained;
}

static void answer_drain(struct magazines *s, struct magazine_cpu *c)
{
    uint32_t drain = __atomic_load_n(&s->drain, __ATOMIC_RELAXED);

    if (c->drained != drain && !drain_cpu(s, c))
        c->drained = drain;
}

static inline int pop(struct magazines *s, struct magazine *m, struct iova_range *range)
{
    uint32_t first = m->first[--m->rounds];

    __atomic_store_n(&s->live[first], (uint8_t)range->pages, __ATOMIC_RELAXED);
    range->at = iova_of(&s->space, first);
    return 0;
}

static inline int push(struct magazines *s, struct magazine *m, uint32_t first)
{
    __atomic_store_n(&s->live[first], 0, __ATOMIC_RELAXED);
    m->first[m->rounds++] = first;
    return 0;
}

static int reload(struct magazines *s, uint32_t cpu, uint32_t order)
{
    struct magazine_cpu *c = &s->cpus[cpu];
    int error;

    swap(c, order);
    if (c->loaded[order]->rounds)
        return 0;
    error = depot_fill(&s->depot, &c->loaded[order], order);
    if (error != -ENOSPC)
        return error;
    error = drain_all(s, cpu);
    return error ? error : depot_fill(&s->depot, &c->loaded[order], order);
}

/* Apart from the fast path, which then needs no stack. */
__attribute__((noinline)) static int alloc_slowly(struct magazines *s, struct iova_range *range,
                                                  uint32_t cpu)
{
    struct magazine_cpu *c = &s->cpus[cpu];
    uint32_t order = iova_order(range->pages);
    int error = 0;

    answer_drain(s, c);
    if (!c->loaded[order]->rounds)
        error = reload(s, cpu, order);
    return error ? error : pop(s, c->loaded[order], range);
}

static int alloc_range(struct iova_space *space, struct iova_range *range, uint32_t cpu)
{
    struct magazines *s = of(space);
    struct magazine_cpu *c = &s->cpus[cpu];
    struct magazine *m = c->loaded[iova_order(range->pages)];

    if (!m->rounds || is_asked(s, c))
        return alloc_slowly(s, range, cpu);
    return pop(s, m, range);
}

static int unload(struct magazines *s, struct magazine_cpu *c, uint32_t order)
{
    swap(c, order);
    if (!c->loaded[order]->rounds)
        return 0;
    return depot_take(&s->depot, &c->loaded[order], order);
}

__attribute__((noinline)) static int free_slowly(struct magazines *s, uint32_t order,
                                                 uint32_t first, uint32_t cpu)
{
    struct magazine_cpu *c = &s->cpus[cpu];
    int error = 0;

    if (c->loaded[order]->rounds == MAGAZINE_ROUNDS)
        error = unload(s, c, order);
    if (error)
        return error;
    push(s, c->loaded[order], first);
    answer_drain(s, c);
    return 0;
}

static int free_range(struct iova_space *space, const struct iova_range *range, uint32_t cpu)
{
    struct magazines *s = of(space);
    struct magazine_cpu *c = &s->cpus[cpu];
    uint32_t order = iova_order(range->pages), first;

    if (!iova_first(space, range->at, &first) ||
        __atomic_load_n(&s->live[first], __ATOMIC_RELAXED) != range->pages)
        return -EINVAL;
    if (c->loaded[order]->rounds == MAGAZINE_ROUNDS || is_asked(s, c))
        return free_slowly(s, order, first, cpu);
    return push(s, c->loaded[order], first);
}

static void trim(struct iova_space *space)
{
    struct magazines *s = of(space);

    depot_drain(&s->depot);
    for (uint32_t cpu = 0; cpu < space->config.cpus; cpu++)
        drain_cpu(s, &s->cpus[cpu]);
}

static int64_t audit(const struct iova_space *space)
{
    const struct magazines *s = of(space);
    int64_t live = 0, kept = depot_audit(&s->depot);

    for (uint32_t page = 0; page < space->config.pages; page++)
        if (s->live[page])
            live += 1u << iova_order(s->live[page]);
    for (uint32_t cpu = 0; cpu < space->config.cpus && kept >= 0; cpu++)
        for (uint32_t order = 0; order < IOVA_ORDERS; order++) {
            int64_t loaded = magazine_audit(&s->depot, s->cpus[cpu].loaded[order], order);
            int64_t previous = magazine_audit(&s->depot, s->cpus[cpu].previous[order], order);

            if (loaded < 0 || previous < 0)
                return -1;
            kept += loaded + previous;
        }
    return kept >= 0 && iova_tree_audit(&s->depot.tree) == live + kept ? live : -1;
}

const struct iova_allocator iova_magazine = {
    .name = "magazine",
    .check = iova_space_check,
    .bytes = bytes,
    .init = init,
    .alloc = alloc_range,
    .free = free_range,
    .trim = trim,
    .audit = audit,
};

/* SPDX-License-Identifier: MIT */
#include "tests/host/ref_order.h"
#include <stddef.h>
#include <string.h>
#include "kernel/abi.h"

struct scan {
    uint32_t *words;
    const bool *pinned;
    int64_t steps;
};

bool ref_kind_of(const char *policy, enum ref_kind *kind)
{
    static const char *const names[] = {"fifo", "lru", "clock", "sieve", "s3fifo", "arc"};

    for (uint32_t i = 0; i < REF_KINDS; i++)
        if (strcmp(names[i], policy) == 0) {
            *kind = (enum ref_kind)i;
            return true;
        }
    return false;
}

void ref_order_init(struct ref_order *o, enum ref_kind kind, uint32_t quota)
{
    memset(o, 0, sizeof *o);
    o->kind = kind;
    o->quota = quota;
    o->hand = REF_NONE;
}

static uint32_t find(const struct ref_list *l, uint32_t page)
{
    for (uint32_t i = 0; i < l->count; i++)
        if (l->page[i] == page)
            return i;
    return REF_NONE;
}

static void add(struct ref_list *l, uint32_t page)
{
    l->page[l->count++] = page;
}

static void add_oldest(struct ref_list *l, uint32_t page)
{
    memmove(l->page + 1, l->page, l->count++ * sizeof *l->page);
    l->page[0] = page;
}

static bool drop(struct ref_list *l, uint32_t page)
{
    uint32_t i = find(l, page);

    if (i == REF_NONE)
        return false;
    memmove(l->page + i, l->page + i + 1, (--l->count - i) * sizeof *l->page);
    return true;
}

static uint32_t oldest(const struct ref_list *l)
{
    return l->count ? l->page[0] : REF_NONE;
}

static bool in_use(const struct scan *s, uint32_t page)
{
    return s->words[page] / ABI_DMA_COUNT != 0;
}

static bool take_visited(struct scan *s, uint32_t page)
{
    bool visited = s->words[page] & ABI_DMA_VISITED;

    s->words[page] &= ~ABI_DMA_VISITED;
    return visited;
}

static uint32_t parked_from_small(const struct ref_order *o)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < o->parked.count; i++)
        count += o->from_small[o->parked.page[i]];
    return count;
}

static uint32_t small_count(const struct ref_order *o)
{
    return o->small.count + parked_from_small(o);
}

static uint32_t main_count(const struct ref_order *o)
{
    return o->main.count + o->parked.count - parked_from_small(o);
}

uint32_t ref_order_resident(const struct ref_order *o)
{
    return o->main.count + o->small.count + o->parked.count;
}

static uint32_t s3_small(const struct ref_order *o)
{
    return o->quota / 10 ? o->quota / 10 : 1;
}

void ref_order_miss(struct ref_order *o, uint32_t page)
{
    uint32_t b1 = o->ghost_small.count, b2 = o->ghost.count, step;

    if (o->kind != REF_ARC)
        return;
    o->ghost_main = find(&o->ghost, page) != REF_NONE;
    if (find(&o->ghost_small, page) != REF_NONE) {
        step = b2 / b1 > 1 ? b2 / b1 : 1;
        o->target = o->target + step > o->quota ? o->quota : o->target + step;
    } else if (o->ghost_main) {
        step = b1 / b2 > 1 ? b1 / b2 : 1;
        o->target = o->target < step ? 0 : o->target - step;
    }
}

void ref_order_insert(struct ref_order *o, uint32_t page)
{
    bool ghost = drop(&o->ghost, page) || drop(&o->ghost_small, page);
    bool small = (o->kind == REF_S3FIFO || o->kind == REF_ARC) && !ghost;

    o->uses[page] = 0;
    add(small ? &o->small : &o->main, page);
    if (o->kind != REF_ARC)
        return;
    while (o->ghost_small.count && small_count(o) + o->ghost_small.count > o->quota)
        drop(&o->ghost_small, oldest(&o->ghost_small));
    while (o->ghost.count &&
           small_count(o) + o->ghost_small.count + main_count(o) + o->ghost.count > 2 * o->quota)
        drop(&o->ghost, oldest(&o->ghost));
}

static void leave(struct ref_order *o, uint32_t page)
{
    uint32_t i = find(&o->main, page);
    bool small = find(&o->small, page) != REF_NONE;

    if (o->hand == page)
        o->hand = i + 1 < o->main.count ? o->main.page[i + 1] : REF_NONE;
    drop(&o->main, page);
    drop(&o->small, page);
    if (o->kind == REF_ARC || (o->kind == REF_S3FIFO && small))
        add(o->kind == REF_ARC && small ? &o->ghost_small : &o->ghost, page);
    while (o->kind == REF_S3FIFO && o->ghost.count > o->quota - s3_small(o))
        drop(&o->ghost, oldest(&o->ghost));
}

void ref_order_hit(struct ref_order *o, uint32_t page)
{
    if (o->kind == REF_S3FIFO && o->uses[page] < 3)
        o->uses[page]++;
    if (o->kind == REF_LRU && drop(&o->main, page))
        add(&o->main, page);
    if (o->kind == REF_ARC) {
        if (drop(&o->parked, page)) {
            add(&o->parked, page);
            o->from_small[page] = false;
        } else {
            drop(&o->main, page);
            drop(&o->small, page);
            add(&o->main, page);
        }
    }
}

void ref_order_release(struct ref_order *o, uint32_t page)
{
    if (o->kind == REF_LRU) {
        drop(&o->main, page);
        drop(&o->parked, page);
        add(&o->main, page);
    } else if (o->kind != REF_CLOCK && o->kind != REF_SIEVE && drop(&o->parked, page)) {
        add_oldest(o->from_small[page] ? &o->small : &o->main, page);
    }
}

static void recheck(struct ref_order *o, const struct scan *s, uint32_t looks)
{
    uint32_t left = o->parked.count < looks ? o->parked.count : looks;

    for (; left > 0; left--) {
        uint32_t page = o->parked.page[0];

        drop(&o->parked, page);
        if (in_use(s, page) || (s->pinned && s->pinned[page]))
            add(&o->parked, page);
        else
            add_oldest(o->from_small[page] ? &o->small : &o->main, page);
    }
}

static void to_newest(struct ref_order *o, uint32_t page)
{
    drop(&o->small, page);
    drop(&o->main, page);
    add(&o->main, page);
}

static uint32_t next_clock(struct ref_order *o, struct scan *s)
{
    while (s->steps-- > 0) {
        uint32_t page = oldest(&o->main);

        if (page == REF_NONE || !(in_use(s, page) || take_visited(s, page)))
            return page;
        to_newest(o, page);
    }
    return REF_NONE;
}

static uint32_t next_sieve(struct ref_order *o, struct scan *s)
{
    while (o->main.count && s->steps-- > 0) {
        uint32_t at = o->hand == REF_NONE ? 0 : find(&o->main, o->hand), page = o->main.page[at];

        o->hand = at + 1 < o->main.count ? o->main.page[at + 1] : REF_NONE;
        if (!in_use(s, page) && !take_visited(s, page))
            return page;
    }
    return REF_NONE;
}

static uint32_t next_s3fifo(struct ref_order *o, struct scan *s)
{
    for (int64_t steps = 4 * s->steps; steps > 0; steps--) {
        bool main = main_count(o) > o->quota - s3_small(o);

        if (main ? !o->main.count : !o->small.count)
            main = !main;
        uint32_t page = oldest(main ? &o->main : &o->small);

        if (page == REF_NONE || in_use(s, page))
            return page;
        if (take_visited(s, page) && o->uses[page] < 2)
            o->uses[page] = 2;
        if (o->uses[page] < (main ? 1 : 2))
            return page;
        o->uses[page] = main ? o->uses[page] - 1 : 0;
        to_newest(o, page);
    }
    return REF_NONE;
}

static uint32_t next_arc(struct ref_order *o, struct scan *s)
{
    for (; s->steps > 0; s->steps--) {
        uint32_t t1 = small_count(o);
        bool small = t1 > o->target || (t1 > 0 && o->ghost_main && t1 == o->target);

        if (small ? !o->small.count : !o->main.count)
            small = !small;
        uint32_t page = oldest(small ? &o->small : &o->main);

        if (page == REF_NONE || !take_visited(s, page))
            return page;
        to_newest(o, page);
    }
    return REF_NONE;
}

static uint32_t next(struct ref_order *o, struct scan *s)
{
    switch (o->kind) {
    case REF_CLOCK:
        return next_clock(o, s);
    case REF_SIEVE:
        return next_sieve(o, s);
    case REF_S3FIFO:
        return next_s3fifo(o, s);
    case REF_ARC:
        return next_arc(o, s);
    default:
        return oldest(&o->main);
    }
}

static void busy(struct ref_order *o, uint32_t page)
{
    if (o->kind == REF_CLOCK)
        to_newest(o, page);
    if (o->kind == REF_CLOCK || o->kind == REF_SIEVE)
        return;
    o->from_small[page] = drop(&o->small, page);
    drop(&o->main, page);
    add(&o->parked, page);
}

static uint32_t scan(struct ref_order *o, struct scan s, uint32_t goal, uint32_t taken,
                     uint32_t *out)
{
    s.steps = 2ll * (o->main.count + o->small.count) + 2;
    while (taken < goal) {
        uint32_t page = next(o, &s);

        if (page == REF_NONE)
            break;
        if (in_use(&s, page) || (s.pinned && s.pinned[page])) {
            busy(o, page);
            continue;
        }
        s.words[page] &= ~(ABI_DMA_RIGHTS | ABI_DMA_VISITED);
        leave(o, page);
        out[taken++] = page;
    }
    return taken;
}

uint32_t ref_order_evict(struct ref_order *o, uint32_t *words, const bool *pinned, uint32_t goal,
                         uint32_t must, uint32_t *out)
{
    struct scan s = {.words = words, .pinned = pinned};
    uint32_t taken;

    recheck(o, &s, 2);
    taken = scan(o, s, goal, 0, out);
    if (taken >= must)
        return taken;
    recheck(o, &s, REF_PAGES);
    return scan(o, s, must, taken, out);
}

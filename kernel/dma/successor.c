/* SPDX-License-Identifier: MIT */
#include "kernel/dma/successor.h"
#include "kernel/dma/evict.h"
#include "kernel/dma/word.h"

#define SURE        3u /* confidence saturates */
#define DOUBTS      3u /* links of no confidence a run may follow */
#define TRUST_SHIFT 6  /* about the last 64 guesses count */

static bool is_absent(const struct evict_order *order, uint32_t page)
{
    const struct page_record *record = &order->records[page];

    return !record->rights && !record->wanted && !record->leaving;
}

void successor_init(struct evict_order *order, uint32_t limit)
{
    if (limit > SUCCESSOR_RUN)
        limit = SUCCESSOR_RUN;
    if (limit == 0)
        limit = 1;
    order->successor = (struct successor){
        .last = PAGE_NONE, .depth = limit < 8 ? limit : 8, .limit = limit, .trust = 20000};
    for (uint32_t page = 0; page < order->pages; page++)
        order->records[page].uses = 0;
}

static void judge(struct successor *s, bool right)
{
    if (right)
        s->trust += (SUCCESSOR_SURE - s->trust) >> TRUST_SHIFT;
    else
        s->trust -= s->trust >> TRUST_SHIFT;
}

/* VISITED goes with the first use: a first use of a page brought along is no re-use. */
static bool was_used(struct evict_order *order, uint32_t page)
{
    if (!order->records[page].rights)
        return false;
    return word_take_visited(&order->words[page]) || !word_is_idle(&order->words[page]);
}

static uint32_t score_run(struct evict_order *order)
{
    struct successor *s = &order->successor;
    uint32_t used = 0, unsure = 0;

    for (uint32_t i = 1; i < s->run_length; i++) {
        struct page_record *before = &order->records[s->run[i - 1]];
        bool right = was_used(order, s->run[i]);

        judge(s, right);
        if (!right) {
            unsure++;
            continue;
        }
        used++;
        if (before->uses < SURE)
            before->uses++;
        /* What was passed over on the way to a page that was used. */
        for (uint32_t j = i - unsure; j < i; j++)
            if (order->records[s->run[j - 1]].uses)
                order->records[s->run[j - 1]].uses--;
        unsure = 0;
    }
    return used;
}

void successor_score(struct evict_order *order, uint32_t page)
{
    struct successor *s = &order->successor;
    bool guessed = false;

    for (uint32_t i = 0; i < s->probes; i++)
        guessed |= s->probe[i] == page;
    if (order->records[page].newer != PAGE_NONE)
        judge(s, guessed);
    s->probes = 0;
    if (s->run_length > 1) {
        uint32_t length = s->run_length - 1, used = score_run(order);

        if (4 * used >= 3 * length)
            s->depth = 2 * s->depth < s->limit ? 2 * s->depth : s->limit;
        else if (2 * used < length && s->depth > 1)
            s->depth /= 2;
    }
    s->run_length = 0;
}

void successor_learn(struct evict_order *order, uint32_t page)
{
    struct successor *s = &order->successor;
    struct page_record *last = &order->records[s->last];

    if (s->last != PAGE_NONE && s->last != page) {
        if (last->newer == page) {
            last->uses += last->uses < SURE;
        } else if (last->uses) {
            last->uses--;
        } else {
            /* The newcomer is put in between: it goes on where the old one did. */
            if (order->records[page].newer == PAGE_NONE && last->newer != page)
                order->records[page].newer = last->newer;
            last->newer = page;
        }
    }
    s->last = page;
}

static bool has(const uint32_t *pages, uint32_t count, uint32_t page)
{
    for (uint32_t i = 0; i < count; i++)
        if (pages[i] == page)
            return true;
    return false;
}

uint32_t successor_run(struct evict_order *order, uint32_t from, uint32_t *pages, uint32_t count,
                       uint32_t max)
{
    struct successor *s = &order->successor;
    uint32_t page = from, doubts = 0;

    s->run[0] = from;
    s->run_length = 1;
    for (uint32_t i = 0; i < 4 * s->depth && s->run_length <= s->depth && count < max; i++) {
        uint32_t next = order->records[page].newer;

        if (next == PAGE_NONE || next == page ||
            (order->records[page].uses == 0 && ++doubts > DOUBTS))
            break;
        page = next;
        if (!is_absent(order, page))
            continue;
        if (has(pages, count, page))
            break;
        pages[count++] = page;
        s->run[s->run_length++] = page;
    }
    return count;
}

void successor_look_ahead(struct evict_order *order, uint32_t from)
{
    struct successor *s = &order->successor;
    uint32_t page = s->run_length ? s->run[s->run_length - 1] : from;

    for (uint32_t i = 0; i < 8 * SUCCESSOR_PROBES && s->probes < SUCCESSOR_PROBES; i++) {
        uint32_t next = order->records[page].newer;

        if (next == PAGE_NONE || next == page)
            break;
        page = next;
        if (is_absent(order, page))
            s->probe[s->probes++] = page;
    }
}

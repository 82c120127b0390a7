/* SPDX-License-Identifier: MIT */
#include "kernel/dma/region.h"
#include "kernel/dma/evict.h"
#include "kernel/dma/word.h"

uint32_t region_get(const struct evict_order *order, uint32_t region, enum region_field field)
{
    return order->records[(region << REGION_SHIFT) + field].older;
}

void region_put(struct evict_order *order, uint32_t region, enum region_field field, uint32_t to)
{
    order->records[(region << REGION_SHIFT) + field].older = to & PAGE_NONE;
}

void region_list_init(struct region_list *list, enum region_field newer, enum region_field older)
{
    *list = (struct region_list){
        .newest = REGION_NONE, .oldest = REGION_NONE, .newer = newer, .older = older};
}

void region_push(struct evict_order *order, struct region_list *list, uint32_t region)
{
    region_put(order, region, list->newer, REGION_NONE);
    region_put(order, region, list->older, list->newest);
    if (list->newest == REGION_NONE)
        list->oldest = region;
    else
        region_put(order, list->newest, list->newer, region);
    list->newest = region;
    list->length++;
}

void region_push_oldest(struct evict_order *order, struct region_list *list, uint32_t region)
{
    region_put(order, region, list->older, REGION_NONE);
    region_put(order, region, list->newer, list->oldest);
    if (list->oldest == REGION_NONE)
        list->newest = region;
    else
        region_put(order, list->oldest, list->older, region);
    list->oldest = region;
    list->length++;
}

void region_remove(struct evict_order *order, struct region_list *list, uint32_t region)
{
    uint32_t newer = region_get(order, region, list->newer);
    uint32_t older = region_get(order, region, list->older);

    if (newer == REGION_NONE)
        list->newest = older;
    else
        region_put(order, newer, list->older, older);
    if (older == REGION_NONE)
        list->oldest = newer;
    else
        region_put(order, older, list->newer, newer);
    list->length--;
}

void region_order_init(struct evict_order *order)
{
    uint32_t regions = region_of(order->pages + REGION_PAGES - 1);

    order->regions = (struct region_order){.hand = REGION_NONE, .random = 1};
    region_list_init(&order->regions.idle, REGION_NEWER, REGION_OLDER);
    region_list_init(&order->regions.parked, REGION_NEWER, REGION_OLDER);
    for (uint32_t region = 0; region < regions; region++)
        for (uint32_t field = REGION_RESIDENT; field <= REGION_FLAGS; field++)
            region_put(order, region, field, 0);
}

static struct region_list *list_of(struct evict_order *order, uint32_t region)
{
    return region_get(order, region, REGION_PARKED) ? &order->regions.parked : &order->regions.idle;
}

void region_insert(struct evict_order *order, uint32_t page)
{
    uint32_t region = region_of(page), resident = region_get(order, region, REGION_RESIDENT);

    if (!resident) {
        region_put(order, region, REGION_PARKED, 0);
        region_push(order, &order->regions.idle, region);
    }
    region_put(order, region, REGION_RESIDENT, resident | page_bit(page));
}

bool region_leave(struct evict_order *order, uint32_t page)
{
    uint32_t region = region_of(page);
    uint32_t resident = region_get(order, region, REGION_RESIDENT) & ~page_bit(page);

    region_put(order, region, REGION_RESIDENT, resident);
    if (resident)
        return false;
    region_remove(order, list_of(order, region), region);
    return true;
}

void region_renew(struct evict_order *order, uint32_t region)
{
    struct region_list *list = list_of(order, region);

    region_remove(order, list, region);
    region_push(order, list, region);
}

void region_park(struct evict_order *order, uint32_t region)
{
    region_remove(order, list_of(order, region), region);
    region_put(order, region, REGION_PARKED, 1);
    region_push(order, &order->regions.parked, region);
}

void region_recheck(struct evict_order *order, uint32_t looks)
{
    struct region_list *parked = &order->regions.parked;
    uint32_t left = parked->length < looks ? parked->length : looks;

    for (; left > 0; left--) {
        uint32_t region = parked->oldest;

        if (region_look(order, region).in_use == region_get(order, region, REGION_RESIDENT)) {
            region_renew(order, region);
            continue;
        }
        region_remove(order, parked, region);
        region_put(order, region, REGION_PARKED, 0);
        region_push_oldest(order, &order->regions.idle, region);
    }
}

uint32_t region_next_offer(struct evict_scan *scan)
{
    if (!scan->offer)
        return PAGE_NONE;
    uint32_t i = (uint32_t)__builtin_ctz(scan->offer);

    scan->offer &= scan->offer - 1;
    return (scan->region << REGION_SHIFT) + i;
}

struct region_look region_look(const struct evict_order *order, uint32_t region)
{
    uint32_t resident = region_get(order, region, REGION_RESIDENT);
    uint32_t page = region << REGION_SHIFT;
    struct region_look look = {0};

    for (uint32_t bit = 1; bit <= resident; bit <<= 1, page++) {
        if (!(resident & bit))
            continue;
        if (order->records[page].wanted || !word_is_idle(&order->words[page]))
            look.in_use |= bit;
        if (word_is_visited(&order->words[page]))
            look.visited |= bit;
    }
    return look;
}

uint32_t region_take_visited(struct evict_order *order, uint32_t region)
{
    uint32_t resident = region_get(order, region, REGION_RESIDENT), visited = 0;
    uint32_t page = region << REGION_SHIFT;

    for (uint32_t bit = 1; bit <= resident; bit <<= 1, page++)
        if ((resident & bit) && word_take_visited(&order->words[page]))
            visited |= bit;
    return visited;
}

static bool list_is_valid(const struct evict_order *order, const struct region_list *list,
                          uint32_t *pages)
{
    uint32_t newer = REGION_NONE, length = 0, parked = list == &order->regions.parked;

    for (uint32_t region = list->newest; region != REGION_NONE;
         region = region_get(order, region, list->older)) {
        if (region >= region_of(order->pages + REGION_PAGES - 1) || length++ == list->length)
            return false;
        uint32_t resident = region_get(order, region, REGION_RESIDENT);

        if (region_get(order, region, list->newer) != newer || !resident ||
            region_get(order, region, REGION_PARKED) != parked)
            return false;
        for (uint32_t i = 0; i < REGION_PAGES; i++) {
            bool mapped = order->records[(region << REGION_SHIFT) + i].rights != 0;

            if (mapped != (resident >> i & 1))
                return false;
            *pages += mapped;
        }
        newer = region;
    }
    return list->oldest == newer && list->length == length;
}

bool regions_are_valid(const struct evict_order *order, uint32_t resident)
{
    uint32_t pages = 0;

    return list_is_valid(order, &order->regions.idle, &pages) &&
           list_is_valid(order, &order->regions.parked, &pages) && pages == resident;
}

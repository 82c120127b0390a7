/* SPDX-License-Identifier: MIT */
#include "guest/memcache_store.h"

#include <string.h>
#include "lib/fmt.h"

#define BUCKETS     4096u
#define CLASSES     11u /* of 128 bytes, 256, ... up to a slab */
#define FIRST_SHIFT 7u
#define LOOK        32u /* oldest items that are looked at for one that is not in use */

struct size_class {
    struct memcache_item *free;
    struct memcache_item *newest, *oldest;
    bool has_slab;
};

static struct {
    uint8_t *memory;
    uint32_t slabs, slabs_used;
    uint32_t promised; /* a slab for each class that has none: no size takes all */
    struct size_class classes[CLASSES];
    struct memcache_item *buckets[BUCKETS];
} store;

struct memcache_counters memcache_counters;

_Static_assert(MEMCACHE_STORE_MIN >= CLASSES * MEMCACHE_SLAB, "each size can have a slab");
_Static_assert(MEMCACHE_SLAB == 1u << (FIRST_SHIFT + CLASSES - 1), "a slab is the largest item");
_Static_assert(sizeof(struct memcache_item) + MEMCACHE_VALUE_MAX + 300 <= MEMCACHE_SLAB,
               "the largest value has a class");

void memcache_store_init(void *memory, uint64_t bytes)
{
    memset(&store, 0, sizeof(store));
    store.memory = memory;
    store.slabs = (uint32_t)(bytes / MEMCACHE_SLAB);
    store.promised = CLASSES;
    memcache_counters = (struct memcache_counters){.limit = bytes};
}

static const char *key_of(const struct memcache_item *item)
{
    return item->text + strlen("VALUE ");
}

/* Fowler, Noll and Vo's FNV-1a. */
static struct memcache_item **bucket_of(const char *key, size_t bytes)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ (uint8_t)key[i]) * 16777619u;
    return &store.buckets[(hash ^ hash >> 16) % BUCKETS];
}

static void use_first(struct memcache_item *item)
{
    struct size_class *c = &store.classes[item->size_class];

    item->newer = NULL;
    item->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = item;
    c->newest = item;
}

static void leave_line(struct memcache_item *item)
{
    struct size_class *c = &store.classes[item->size_class];

    *(item->newer ? &item->newer->older : &c->newest) = item->older;
    *(item->older ? &item->older->newer : &c->oldest) = item->newer;
}

static void put_free(struct memcache_item *item)
{
    struct size_class *c = &store.classes[item->size_class];

    item->next = c->free;
    c->free = item;
}

void memcache_unlink(struct memcache_item *item)
{
    struct memcache_item **at = bucket_of(key_of(item), item->key_bytes);

    while (*at != item)
        at = &(*at)->next;
    *at = item->next;
    leave_line(item);
    item->found = false;
    memcache_counters.items--;
    memcache_counters.bytes -= item->bytes;
    if (!item->users)
        put_free(item);
}

void memcache_hold(struct memcache_item *item)
{
    item->users++;
}

void memcache_release(struct memcache_item *item)
{
    if (--item->users == 0 && !item->found)
        put_free(item);
}

static void split_slab(uint32_t size_class)
{
    uint8_t *slab = store.memory + (uint64_t)store.slabs_used++ * MEMCACHE_SLAB;
    uint32_t bytes = 1u << (FIRST_SHIFT + size_class);

    store.promised -= !store.classes[size_class].has_slab;
    store.classes[size_class].has_slab = true;
    for (uint32_t at = 0; at < MEMCACHE_SLAB; at += bytes) {
        struct memcache_item *item = (void *)(slab + at);

        *item = (struct memcache_item){.size_class = (uint8_t)size_class};
        put_free(item);
    }
}

static void evict_one(struct size_class *c)
{
    struct memcache_item *item = c->oldest;

    for (uint32_t i = 0; item && item->users && i < LOOK; i++)
        item = item->newer;
    if (!item || item->users)
        return;
    memcache_unlink(item);
    memcache_counters.evictions++;
}

static struct memcache_item *take_free(uint32_t size_class)
{
    struct size_class *c = &store.classes[size_class];
    struct memcache_item *item;

    if (!c->free && store.slabs_used + store.promised < store.slabs + !c->has_slab)
        split_slab(size_class);
    if (!c->free)
        evict_one(c);
    item = c->free;
    if (item)
        c->free = item->next;
    return item;
}

static uint32_t class_of(size_t bytes)
{
    uint32_t size_class = 0;

    while (bytes > 1u << (FIRST_SHIFT + size_class))
        size_class++;
    return size_class;
}

struct memcache_item *memcache_new(const char *key, size_t key_bytes, uint32_t flags, size_t bytes)
{
    char head[64];
    struct memcache_item *item;
    size_t value;

    if (bytes > MEMCACHE_VALUE_MAX || key_bytes > MEMCACHE_KEY_MAX)
        return NULL;
    int n = key ? fmt_snprintf(head, sizeof(head), " %u %zu\r\n", flags, bytes) : 0;
    value = key ? strlen("VALUE ") + key_bytes + (size_t)n : 0;
    item = take_free(class_of(sizeof(*item) + value + bytes + 2));
    if (!item)
        return NULL;
    item->flags = flags;
    item->users = 1;
    item->found = false;
    item->value = (uint16_t)value;
    item->key_bytes = (uint8_t)key_bytes;
    item->bytes = (uint32_t)(value + bytes + 2);
    if (key) {
        memcpy(item->text, "VALUE ", 6);
        memmove(item->text + 6, key, key_bytes);
        memcpy(item->text + 6 + key_bytes, head, (size_t)n);
    }
    memcpy(item->text + item->bytes - 2, "\r\n", 2);
    return item;
}

static struct memcache_item *look_up(const char *key, size_t key_bytes)
{
    struct memcache_item *item = *bucket_of(key, key_bytes);

    while (item && (item->key_bytes != key_bytes || memcmp(key_of(item), key, key_bytes) != 0))
        item = item->next;
    return item;
}

struct memcache_item *memcache_find(const char *key, size_t key_bytes)
{
    struct memcache_item *item = look_up(key, key_bytes);

    if (item) {
        leave_line(item);
        use_first(item);
    }
    return item;
}

void memcache_link(struct memcache_item *item)
{
    struct memcache_item **bucket = bucket_of(key_of(item), item->key_bytes);
    struct memcache_item *before = look_up(key_of(item), item->key_bytes);

    if (before)
        memcache_unlink(before);
    item->next = *bucket;
    *bucket = item;
    item->found = true;
    use_first(item);
    memcache_counters.items++;
    memcache_counters.total_items++;
    memcache_counters.bytes += item->bytes;
}

void memcache_flush(void)
{
    for (uint32_t i = 0; i < CLASSES; i++)
        while (store.classes[i].oldest)
            memcache_unlink(store.classes[i].oldest);
}

bool memcache_store_is_valid(void)
{
    uint64_t items = 0, bytes = 0, in_line = 0;

    for (uint32_t i = 0; i < BUCKETS; i++) {
        for (const struct memcache_item *m = store.buckets[i]; m; m = m->next, items++) {
            bytes += m->bytes;
            if (!m->found || bucket_of(key_of(m), m->key_bytes) != &store.buckets[i])
                return false;
        }
    }
    for (uint32_t i = 0; i < CLASSES; i++) {
        for (const struct memcache_item *m = store.classes[i].oldest; m; m = m->newer, in_line++)
            if (m->size_class != i || !m->found || (m->newer && m->newer->older != m))
                return false;
        for (const struct memcache_item *m = store.classes[i].free; m; m = m->next)
            if (m->size_class != i || m->found || m->users)
                return false;
    }
    return items == in_line && items == memcache_counters.items &&
           bytes == memcache_counters.bytes && store.slabs_used + store.promised <= store.slabs;
}

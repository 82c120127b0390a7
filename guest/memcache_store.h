/* SPDX-License-Identifier: MIT */
/*
 * Keys and values in memory that was given once: slabs of one size of item each, and in each size
 * the item that nobody has asked for longest makes room. An item holds its value as the text that
 * answers a get, so that a hit is sent from where it lies. Pure.
 */
#ifndef GUEST_MEMCACHE_STORE_H
#define GUEST_MEMCACHE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMCACHE_KEY_MAX   250u
#define MEMCACHE_VALUE_MAX 65536u
#define MEMCACHE_SLAB      131072u
#define MEMCACHE_STORE_MIN (16u * MEMCACHE_SLAB)

struct memcache_item {
    struct memcache_item *next;          /* in its bucket, or of the free ones */
    struct memcache_item *newer, *older; /* of its size, by use */
    uint32_t flags;
    uint32_t users; /* it is being filled, or sent */
    uint32_t bytes; /* of text */
    uint16_t value; /* where in text the value begins */
    uint8_t key_bytes, size_class;
    bool found;  /* a get finds it */
    char text[]; /* "VALUE key flags bytes\r\n" value "\r\n" */
};

struct memcache_counters {
    uint64_t items, total_items, evictions, bytes, limit;
};

extern struct memcache_counters memcache_counters;

/* Empty, with slabs in so many bytes (MEMCACHE_STORE_MIN at least) at memory, 8-aligned. Forgets
 * what was before. */
void memcache_store_init(void *memory, uint64_t bytes);

/* An item to be filled, with one user; NULL when all that could make room are in use, or for more
 * than MEMCACHE_VALUE_MAX bytes. Without a key: room for text alone. */
struct memcache_item *memcache_new(const char *key, size_t key_bytes, uint32_t flags, size_t bytes);

/* From now on it is what its key finds. */
void memcache_link(struct memcache_item *item);
/* Nothing finds it any more; its memory goes with its last user. */
void memcache_unlink(struct memcache_item *item);
void memcache_hold(struct memcache_item *item);
void memcache_release(struct memcache_item *item);

/* NULL without one. It counts as used. */
struct memcache_item *memcache_find(const char *key, size_t key_bytes);
void memcache_flush(void);

static inline size_t memcache_value_bytes(const struct memcache_item *item)
{
    return item->bytes - item->value - 2u;
}

/* Whether lists, buckets and counters agree. For tests: it looks at everything. */
bool memcache_store_is_valid(void);

#endif

/* SPDX-License-Identifier: MIT */
/* memcached's protocol from two clients in turns, in pieces; a store that is soon full. */
#include <string.h>
#include "guest/memcache_session.h"
#include "tests/fuzz/fuzz.h"

#define STORE MEMCACHE_STORE_MIN
#define HELD  8u

static uint8_t memory[STORE] __attribute__((aligned(8)));
static struct memcache_item *held[HELD]; /* as if on their way out */
static size_t pieces;

static void put(void *to, const char *data, size_t bytes, struct memcache_item *item)
{
    unsigned at = pieces++ % HELD;

    (void)to;
    HOLDS(bytes >= 2 && data[bytes - 1] == '\n');
    if (!item)
        return;
    HOLDS(item->users > 0 && data >= item->text && data + bytes <= item->text + item->bytes);
    if (held[at])
        memcache_release(held[at]);
    held[at] = item;
}

static bool has_room(void *to)
{
    (void)to;
    return true;
}

static void feed(struct memcache_session *s, const uint8_t *data, size_t bytes)
{
    /* Where the piece ends the buffer ends: AddressSanitizer sees who reads on. */
    char *copy = malloc(bytes ? bytes : 1);
    size_t used;

    HOLDS(copy != NULL);
    memcpy(copy, data, bytes);
    used = memcache_feed(s, copy, bytes);
    HOLDS(used == bytes || s->quit);
    HOLDS(s->length <= MEMCACHE_LINE);
    HOLDS((s->item != NULL) == (s->state == MEMCACHE_DATA));
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct memcache_session s[2] = {{.put = put, .has_room = has_room},
                                    {.put = put, .has_room = has_room}};
    unsigned who = 0;

    memcache_store_init(memory, STORE);
    memset(held, 0, sizeof held);
    for (size_t at = 0, n; at < bytes; at += n, who ^= data[at - n] & 1) {
        n = 1 + data[at] % 61;
        n = n < bytes - at ? n : bytes - at;
        feed(&s[who], data + at, n);
    }
    HOLDS(memcache_store_is_valid());
    for (unsigned i = 0; i < 2; i++)
        memcache_session_end(&s[i]);
    for (unsigned i = 0; i < HELD; i++)
        if (held[i])
            memcache_release(held[i]);
    HOLDS(memcache_store_is_valid());
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* What comes in, taken apart: lines, keys of a get as they come, values. */
#include <string.h>
#include "guest/memcache_parts.h"

static size_t feed_line(struct memcache_session *s, const char *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (data[i] == '\n') {
            memcache_end_line(s);
            return i + 1;
        }
        if (s->length == MEMCACHE_LINE) {
            s->length = 0;
            s->state = MEMCACHE_SKIP_LINE;
            memcache_commands.errors++;
            PUT(s, "CLIENT_ERROR line too long\r\n");
            return i + 1;
        }
        s->line[s->length++] = data[i];
        if (s->length == 4 && memcmp(s->line, "get ", 4) == 0) {
            s->length = 0;
            s->any_key = false;
            s->state = MEMCACHE_KEYS;
            return i + 1;
        }
    }
    return bytes;
}

/* False when it can't be a key. */
static bool end_key(struct memcache_session *s)
{
    struct memcache_item *item;

    if (s->length == 0)
        return true;
    if (s->length > MEMCACHE_KEY_MAX)
        return false;
    s->any_key = true;
    memcache_commands.gets++;
    item = memcache_find(s->line, s->length);
    s->length = 0;
    if (item) {
        memcache_commands.hits++;
        memcache_put_item(s, item, 0, item->bytes);
    }
    return true;
}

static void end_keys(struct memcache_session *s)
{
    s->state = MEMCACHE_COMMAND;
    if (s->any_key) {
        PUT(s, "END\r\n");
        return;
    }
    memcache_commands.errors++;
    PUT(s, "ERROR\r\n");
}

static size_t feed_keys(struct memcache_session *s, const char *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        bool ends = data[i] == '\n';

        if (data[i] != ' ' && !ends && s->length <= MEMCACHE_KEY_MAX) {
            s->line[s->length++] = data[i];
            continue;
        }
        s->length -= ends && s->length > 0 && s->line[s->length - 1] == '\r';
        if (!end_key(s)) {
            s->length = 0;
            s->state = ends ? MEMCACHE_COMMAND : MEMCACHE_SKIP_LINE;
            memcache_bad_line(s);
        } else if (ends) {
            end_keys(s);
        }
        return i + 1;
    }
    return bytes;
}

static size_t feed_data(struct memcache_session *s, const char *data, size_t bytes)
{
    size_t n = s->left < bytes ? (size_t)s->left : bytes;

    if (s->state == MEMCACHE_DATA)
        memcpy(s->item->text + s->item->bytes - s->left, data, n);
    s->left -= n;
    if (s->left > 0)
        return n;
    if (s->state == MEMCACHE_DATA)
        memcache_end_data(s);
    else
        s->state = MEMCACHE_COMMAND;
    return n;
}

static size_t feed_rest_of_line(struct memcache_session *s, const char *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (data[i] == '\n') {
            s->state = MEMCACHE_COMMAND;
            return i + 1;
        }
    }
    return bytes;
}

size_t memcache_feed(struct memcache_session *s, const char *data, size_t bytes)
{
    static size_t (*const feed[])(struct memcache_session * s, const char *data, size_t bytes) = {
        [MEMCACHE_COMMAND] = feed_line,
        [MEMCACHE_KEYS] = feed_keys,
        [MEMCACHE_DATA] = feed_data,
        [MEMCACHE_SKIP_BYTES] = feed_data,
        [MEMCACHE_SKIP_LINE] = feed_rest_of_line,
    };
    size_t used = 0;

    while (used < bytes && !s->quit && s->has_room(s->to))
        used += feed[s->state](s, data + used, bytes - used);
    return used;
}

void memcache_session_end(struct memcache_session *s)
{
    if (s->item)
        memcache_release(s->item);
    s->item = NULL;
}

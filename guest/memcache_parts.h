/* SPDX-License-Identifier: MIT */
/* What memcache_session.c and memcache_commands.c share; others include
 * guest/memcache_session.h. */
#ifndef GUEST_MEMCACHE_PARTS_H
#define GUEST_MEMCACHE_PARTS_H

#include "guest/memcache_session.h"

/* Puts out a constant text. */
#define PUT(s, text) (s)->put((s)->to, text, sizeof(text) - 1, NULL)

/* Puts out n bytes of the item's text. */
void memcache_put_item(struct memcache_session *s, struct memcache_item *item, size_t from,
                       size_t n);
void memcache_bad_line(struct memcache_session *s);

/* The line is whole, without its '\n': does what it says. */
void memcache_end_line(struct memcache_session *s);
/* The value is whole, with its end of line. */
void memcache_end_data(struct memcache_session *s);

#endif

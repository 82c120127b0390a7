/* SPDX-License-Identifier: MIT */
/* The clients of guest/memcache_session.h, on port 11211. Values are sent from where they lie. */
#ifndef GUEST_MEMCACHE_SERVER_H
#define GUEST_MEMCACHE_SERVER_H

#include <stdint.h>

#define MEMCACHE_PORT        11211u
#define MEMCACHE_CONNECTIONS 64u

extern uint64_t memcache_bytes_sent; /* and acknowledged */

/* From now on; the store is there already. progress is called when something has come in. */
void memcache_serve(void (*progress)(void));

#endif

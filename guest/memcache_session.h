/* SPDX-License-Identifier: MIT */
/*
 * One client of memcached's text protocol: get (of many keys), set, add, replace, delete, incr,
 * decr, flush_all, stats, version, verbosity, quit, and noreply. An expiry in the future is taken
 * and forgotten: items live until they make room. Pure.
 */
#ifndef GUEST_MEMCACHE_SESSION_H
#define GUEST_MEMCACHE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "guest/memcache_store.h"

#define MEMCACHE_LINE 512u /* of a command; a get may go on for ever, key by key */

enum memcache_state {
    MEMCACHE_COMMAND,    /* a line is coming in */
    MEMCACHE_KEYS,       /* of a get */
    MEMCACHE_DATA,       /* of item */
    MEMCACHE_SKIP_BYTES, /* of a value there was no room for */
    MEMCACHE_SKIP_LINE
};

struct memcache_session {
    /* Puts out bytes at data, which stay as they are; item, if any, has one user more until the
     * client has them. */
    void (*put)(void *to, const char *data, size_t bytes, struct memcache_item *item);
    /* False: not now. Asked before each command and each key; one puts out two pieces at most. */
    bool (*has_room)(void *to);
    void *to;
    enum memcache_state state;
    char line[MEMCACHE_LINE];
    size_t length; /* of line */
    struct memcache_item *item;
    uint64_t left; /* bytes to come, with the end of the line */
    char how;      /* 's'et, 'a'dd, 'r'eplace */
    bool is_gone;  /* expired before it came */
    bool no_reply;
    bool any_key;
    bool quit; /* nothing more is read */
};

struct memcache_commands {
    uint64_t gets, hits, sets, others, errors;
};

extern struct memcache_commands memcache_commands;

/* Takes bytes of the client's; returns how many: fewer when there is no room for answers, or after
 * quit. */
size_t memcache_feed(struct memcache_session *s, const char *data, size_t bytes);

/* The client is gone. */
void memcache_session_end(struct memcache_session *s);

#endif

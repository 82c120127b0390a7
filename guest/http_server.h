/* SPDX-License-Identifier: MIT */
/* A web server of fixed pages on port 80, whose bodies are sent from where they lie. */
#ifndef GUEST_HTTP_SERVER_H
#define GUEST_HTTP_SERVER_H

#include <stdint.h>

#define HTTP_PORT 80u

struct http_page {
    const char *path, *type;
    uint64_t bytes; /* > 0 */
    const void *data;
    /* Instead of data, for what does not lie in one piece: the byte at offset, and how many follow
     * it there. */
    const uint8_t *(*at)(uint64_t offset, uint64_t *run);
};

struct http_counters {
    uint64_t requests; /* answered */
    uint64_t bytes;    /* of their bodies */
    uint64_t refused;  /* of the requests, not with 200 or 206 */
};

extern struct http_counters http_counters;

/* Serves these n pages from now on, and no others. progress is called when something has come in.
 */
void http_serve(const struct http_page *pages, unsigned n, void (*progress)(void));

#endif

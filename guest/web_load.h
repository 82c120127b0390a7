/* SPDX-License-Identifier: MIT */
/* The peer's load on the web server, and the window around it: what http and tcp_rr share. */
#ifndef GUEST_WEB_LOAD_H
#define GUEST_WEB_LOAD_H

#include <stdint.h>

struct web_load {
    const char *workload;
    char path[32];
    char by[8];           /* ab or wrk */
    uint64_t range;       /* bytes of random pieces; 0: the whole page */
    uint64_t file;        /* bytes of what they are pieces of */
    uint64_t concurrency; /* connections */
};

/* Runs it to its end. Begins the window when receiving is warm; wrk's latencies become figures. */
void web_load(const struct web_load *l);

/* For http_serve(). */
void web_load_progress(void);

#endif

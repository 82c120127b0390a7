/* SPDX-License-Identifier: MIT */
/*
 * A web server: / is a few words, /4k and /64k the pattern's first bytes, /file a large file whose
 * pages lie anywhere. The peer loads one of them, then compares them all and asks what no polite
 * client would. By ab: requests= (5,000) of path= (/4k). By wrk, which /file takes, load= (5)
 * seconds of it, of /file random pieces of range= (16 KiB) bytes.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "guest/args.h"
#include "guest/console.h"
#include "guest/file.h"
#include "guest/http_server.h"
#include "guest/net.h"
#include "guest/nic.h"
#include "guest/pattern.h"
#include "guest/peer.h"
#include "guest/poll.h"
#include "guest/web_load.h"
#include "guest/window.h"
#include "guest/workload.h"

#define FILE_MAX (1u << 30)

static const char home[] =
    "<!doctype html>\n<html><head><title>Sluice</title></head>\n"
    "<body><p>This page came out of a guest that owns its network card.</p></body></html>\n";

static struct http_page pages[] = {
    {"/", "text/html", sizeof(home) - 1, home, NULL},
    {"/4k", "application/octet-stream", 4096, NULL, NULL},
    {"/64k", "application/octet-stream", 65536, NULL, NULL},
    {"/file", "application/octet-stream", 0, NULL, file_at},
};

static void ask_for_file(struct web_load *load)
{
    load->file = args_number("file", 16u << 20);
    load->range = args_number("range", 16u << 10);
    if (load->file == 0 || load->file > FILE_MAX || load->file % 4)
        fail("http: file=%zu: a multiple of 4, up to 1G", (size_t)load->file);
    if (load->range == 0 || load->range > load->file)
        fail("http: range=%zu: 1 to the %zu bytes of file=", (size_t)load->range,
             (size_t)load->file);
}

/* Without /file where nobody will ask for it: it takes memory and time. */
static void serve_pages(uint64_t file_bytes)
{
    pages[1].data = pages[2].data = pattern();
    pages[3].bytes = file_bytes;
    if (file_bytes)
        file_make(file_bytes);
    http_serve(pages, file_bytes ? 4 : 3, web_load_progress);
}

static int run(void)
{
    struct web_load load = {.workload = "http"};

    args_text("path", "/4k", load.path, sizeof(load.path));
    bool is_file = strcmp(load.path, "/file") == 0;
    args_text("by", is_file ? "wrk" : "ab", load.by, sizeof(load.by));
    load.concurrency = args_number("concurrency", 8);
    if (is_file)
        ask_for_file(&load);
    net_start();
    serve_pages(load.file);
    peer_connect();
    web_load(&load);
    peer_start("http_check port=%u file=%zu", HTTP_PORT, (size_t)load.file);
    peer_finish();
    peer_close();
    say("http: %zu requests, %zu bytes of bodies", (size_t)http_counters.requests,
        (size_t)http_counters.bytes);
    return 0;
}

const struct workload http = {"http", run};

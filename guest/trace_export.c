/* SPDX-License-Identifier: MIT */
#include "guest/trace_export.h"

#include <string.h>
#include "guest/args.h"
#include "guest/console.h"
#include "guest/heap.h"
#include "guest/http_server.h"
#include "guest/hyper.h"
#include "guest/net.h"
#include "guest/peer.h"
#include "guest/trace.h"
#include "lib/dma_trace.h"

#define PIECE_BYTES 4096u

static struct dma_trace_reader reader(const struct abi_trace *ring)
{
    return dma_trace_read(ring, boot->ram_base / PAGE_BYTES, boot->ram_bytes / PAGE_BYTES);
}

/* Twice: the first time tells how long it is. */
static struct http_page encoded(const struct abi_trace *ring)
{
    struct http_page page = {.path = "/trace", .type = "application/octet-stream"};
    struct dma_trace_reader r = reader(ring);
    uint8_t piece[PIECE_BYTES], *to;
    size_t n;

    while ((n = dma_trace_more(&r, piece, sizeof(piece))) > 0)
        page.bytes += n;
    page.data = to = heap_pages(pages_of(page.bytes));
    r = reader(ring);
    for (; (n = dma_trace_more(&r, piece, sizeof(piece))) > 0; to += n)
        memcpy(to, piece, n);
    return page;
}

static void nothing(void)
{
}

void trace_export(const char *workload)
{
    static struct http_page page;
    const struct abi_trace *ring;
    char to[8];

    args_text("trace", "", to, sizeof(to));
    if (to[0] == 0)
        return;
    if (strcmp(to, "peer") != 0)
        fail("trace=%s: known: peer", to);
    ring = trace_stop();
    if (!ring)
        fail("trace=peer: nothing was recorded: give the hypervisor trace=EVENTS as well");
    if (!net_is_up())
        fail("trace=peer: %s has no network: take trace=EVENTS,dump instead", workload);
    page = encoded(ring);
    http_serve(&page, 1, nothing);
    peer_connect();
    peer_start("trace port=%u name=%s bytes=%zu", HTTP_PORT, workload, (size_t)page.bytes);
    peer_finish();
    peer_close();
}

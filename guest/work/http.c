/* SPDX-License-Identifier: MIT */
/*
 * A web server of three pages: / is a few words, /4k and /64k the pattern's first bytes. The peer
 * sends requests= (5,000) requests by ab for path= (/4k), then compares all pages. Bodies are sent
 * from where they lie.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "guest/args.h"
#include "guest/console.h"
#include "guest/http_request.h"
#include "guest/net.h"
#include "guest/nic.h"
#include "guest/pattern.h"
#include "guest/peer.h"
#include "guest/poll.h"
#include "guest/window.h"
#include "guest/workload.h"
#include "lib/fmt.h"
#include "lwip/tcp.h"

#define PORT          80u
#define CONNECTIONS   48u
#define REQUEST_BYTES 1024u
#define HEADER_BYTES  160u
#define WRITE_MAX     32768u
#define WARM_LAPS     2u

struct connection {
    struct tcp_pcb *pcb; /* NULL: free */
    size_t length;       /* of what came and is not answered yet */
    const uint8_t *body; /* of the answer on its way out */
    size_t left;
    bool keep;
    char request[REQUEST_BYTES];
};

struct page {
    const char *path, *status, *type;
    const void *body;
    size_t bytes;
};

static const char home[] =
    "<!doctype html>\n<html><head><title>Sluice</title></head>\n"
    "<body><p>This page came out of a guest that owns its network card.</p></body></html>\n";
static const char missing[] = "There are three pages: / and /4k and /64k\n";

static struct connection connections[CONNECTIONS];
static struct {
    uint64_t pages, body_bytes, bytes_before_window;
    uint64_t requests; /* the window ends after these */
    uint64_t warm_at;  /* received frames */
} state;

static struct page page_at(const char *path)
{
    const char *ok = "200 OK", *html = "text/html", *binary = "application/octet-stream";

    if (strcmp(path, "/") == 0)
        return (struct page){path, ok, html, home, sizeof(home) - 1};
    if (strcmp(path, "/4k") == 0)
        return (struct page){path, ok, binary, pattern(), 4096};
    if (strcmp(path, "/64k") == 0)
        return (struct page){path, ok, binary, pattern(), 65536};
    return (struct page){path, "404 Not Found", "text/plain", missing, sizeof(missing) - 1};
}

static void drop(struct connection *c)
{
    struct tcp_pcb *pcb = c->pcb;

    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_err(pcb, NULL);
    tcp_poll(pcb, NULL, 0);
    c->pcb = NULL;
}

/* What was written still goes out. Without memory for the FIN the poll callback tries again. */
static void close_when_possible(struct connection *c)
{
    struct tcp_pcb *pcb = c->pcb;

    if (tcp_close(pcb) == ERR_OK)
        drop(c);
}

/* The header of the answer to the first request; false without memory for it now. */
static bool begin_answer(struct connection *c, size_t length)
{
    bool keep = http_is_kept(c->request, length);
    char path[64], header[HEADER_BYTES];

    http_path(c->request, length, path, sizeof(path));
    struct page page = page_at(path);
    int n = fmt_snprintf(header, sizeof(header),
                         "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                         "Connection: %s\r\n\r\n",
                         page.status, page.type, page.bytes, keep ? "keep-alive" : "close");

    if (tcp_write(c->pcb, header, (u16_t)n, TCP_WRITE_FLAG_COPY | TCP_WRITE_FLAG_MORE) != ERR_OK)
        return false;
    c->body = page.body;
    c->left = page.bytes;
    c->keep = keep;
    c->length -= length;
    memmove(c->request, c->request + length, c->length);
    state.pages++;
    state.body_bytes += page.bytes;
    return true;
}

/* As much of the body as the send buffer takes. */
static void write_body(struct connection *c)
{
    while (c->left) {
        size_t n = c->left < WRITE_MAX ? c->left : WRITE_MAX;

        n = n < tcp_sndbuf(c->pcb) ? n : tcp_sndbuf(c->pcb);
        if (n == 0 || tcp_write(c->pcb, c->body, (u16_t)n, 0) != ERR_OK)
            return;
        c->body += n;
        c->left -= n;
    }
}

/* Goes on where memory or the send buffer stopped it; called again by received, sent and poll. */
static void serve(struct connection *c)
{
    size_t length;

    write_body(c);
    while (!c->left && c->keep && (length = http_request_length(c->request, c->length)) &&
           begin_answer(c, length))
        write_body(c);
    tcp_output(c->pcb);
    if (!c->left && !c->keep)
        close_when_possible(c);
}

static err_t received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t error)
{
    struct connection *c = arg;

    (void)error;
    if (p) {
        size_t room = REQUEST_BYTES - c->length;

        tcp_recved(pcb, p->tot_len);
        if (p->tot_len > room)
            c->keep = false; /* no request of ours is that long: answered and closed */
        c->length += pbuf_copy_partial(p, c->request + c->length, (u16_t)room, 0);
        pbuf_free(p);
    } else {
        c->keep = false;
    }
    serve(c);
    if (!window_is_open() && nic_counters.rx_packets >= state.warm_at &&
        state.pages < state.requests) {
        state.bytes_before_window = state.body_bytes;
        window_begin();
    }
    return ERR_OK;
}

static err_t sent(void *arg, struct tcp_pcb *pcb, u16_t bytes)
{
    (void)pcb;
    (void)bytes;
    serve(arg);
    return ERR_OK;
}

static err_t polled(void *arg, struct tcp_pcb *pcb)
{
    (void)pcb;
    serve(arg);
    return ERR_OK;
}

/* lwIP has freed the connection already. */
static void broken(void *arg, err_t error)
{
    struct connection *c = arg;

    (void)error;
    c->pcb = NULL;
}

static err_t accepted(void *arg, struct tcp_pcb *pcb, err_t error)
{
    (void)arg;
    if (error != ERR_OK)
        return error;
    for (struct connection *c = connections; c < connections + CONNECTIONS; c++) {
        if (c->pcb)
            continue;
        *c = (struct connection){.pcb = pcb, .keep = true};
        tcp_arg(pcb, c);
        tcp_nagle_disable(pcb); /* an answer's last segment must not wait for the peer's ACK */
        tcp_recv(pcb, received);
        tcp_sent(pcb, sent);
        tcp_err(pcb, broken);
        tcp_poll(pcb, polled, 2);
        return ERR_OK;
    }
    return ERR_MEM; /* lwIP resets it */
}

static bool is_served(void *unused)
{
    return state.pages >= state.requests || peer_is_done(unused);
}

static int run(void)
{
    char path[32];
    struct tcp_pcb *pcb;

    state.requests = args_number("requests", 5000);
    args_text("path", "/4k", path, sizeof(path));
    net_start();
    pattern();
    pcb = tcp_new();
    if (tcp_bind(pcb, IP_ADDR_ANY, PORT) != ERR_OK || !(pcb = tcp_listen(pcb)))
        fail("cannot listen on port %u", PORT);
    tcp_accept(pcb, accepted);
    peer_connect();
    state.warm_at = nic_counters.rx_packets + WARM_LAPS * NIC_RX_BUFFERS;
    peer_start("http port=%u requests=%zu concurrency=%zu path=%s", PORT, (size_t)state.requests,
               (size_t)args_number("concurrency", 8), path);
    poll_until(is_served, NULL, "the peer's requests");
    if (window_is_open())
        window_end("http", state.body_bytes - state.bytes_before_window);
    else
        say("http: nothing measured: %zu requests end before %u laps of the receive pool",
            (size_t)state.requests, WARM_LAPS);
    peer_finish();
    peer_close();
    say("http: %zu pages, %zu bytes of them", (size_t)state.pages, (size_t)state.body_bytes);
    return 0;
}

const struct workload http = {"http", run};

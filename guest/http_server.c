/* SPDX-License-Identifier: MIT */
#include "guest/http_server.h"

#include <stdbool.h>
#include <string.h>
#include "guest/console.h"
#include "guest/http_request.h"
#include "guest/server.h"
#include "lib/fmt.h"

#define CONNECTIONS   272u
#define REQUEST_BYTES 1024u
#define HEADER_BYTES  256u
#define WRITE_MAX     32768u

struct connection {
    struct tcp_pcb *pcb;          /* NULL: free */
    size_t length;                /* of what came and is not answered yet */
    const struct http_page *page; /* of the answer on its way out */
    uint64_t offset, left;
    bool keep, too_long;
    char request[REQUEST_BYTES];
};

struct answer {
    const char *status;
    const struct http_page *page;
    uint64_t first, count;
};

struct http_counters http_counters;

static struct connection connections[CONNECTIONS];
static const struct http_page *all_pages;
static unsigned page_count;
static void (*on_progress)(void);

/* The body of a refusal is a line that says no more than its status. */
static const struct http_page sorry = {"", "text/plain", 12, "not served\r\n", NULL};

static const struct http_page *find_page(const char *path)
{
    for (unsigned i = 0; i < page_count; i++) {
        if (strcmp(all_pages[i].path, path) == 0)
            return &all_pages[i];
    }
    return NULL;
}

static struct answer refuse(const char *status)
{
    http_counters.refused++;
    return (struct answer){status, &sorry, 0, sorry.bytes};
}

static struct answer answer_to(const char *request, size_t length)
{
    unsigned refusal = http_refusal(request, length);
    struct answer a = {.status = "200 OK"};
    char path[64];

    if (refusal)
        return refuse(refusal == 405 ? "405 Method Not Allowed" : "400 Bad Request");
    http_path(request, length, path, sizeof(path));
    a.page = find_page(path);
    if (!a.page)
        return refuse("404 Not Found");
    a.count = a.page->bytes;
    switch (http_range_of(request, length, a.page->bytes, &a.first, &a.count)) {
    case HTTP_WHOLE:
        a.first = 0;
        a.count = a.page->bytes;
        break;
    case HTTP_PART:
        a.status = "206 Partial Content";
        break;
    case HTTP_BEYOND:
        return refuse("416 Range Not Satisfiable");
    }
    return a;
}

/* Its header goes out, and its body from here on; false without memory for that now. */
static bool begin(struct connection *c, const struct answer *a, bool keep)
{
    char header[HEADER_BYTES], range[80] = "";

    if (a->status[2] == '6')
        fmt_snprintf(range, sizeof(range), "Content-Range: bytes %zu-%zu/%zu\r\n", (size_t)a->first,
                     (size_t)(a->first + a->count - 1), (size_t)a->page->bytes);
    int n = fmt_snprintf(header, sizeof(header),
                         "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s"
                         "Connection: %s\r\n\r\n",
                         a->status, a->page->type, (size_t)a->count, range,
                         keep ? "keep-alive" : "close");
    if (tcp_write(c->pcb, header, (u16_t)n, TCP_WRITE_FLAG_COPY | TCP_WRITE_FLAG_MORE) != ERR_OK)
        return false;
    c->page = a->page;
    c->offset = a->first;
    c->left = a->count;
    c->keep = keep;
    http_counters.requests++;
    http_counters.bytes += a->count;
    return true;
}

/* The answer to the first request of those that came; false when there is none, or no memory. */
static bool begin_answer(struct connection *c)
{
    size_t length = http_request_length(c->request, c->length);
    uint64_t refused = http_counters.refused;
    struct answer a;
    bool keep = false;

    if (length) {
        a = answer_to(c->request, length);
        keep = http_is_kept(c->request, length) && !http_refusal(c->request, length);
    } else if (c->too_long) {
        a = refuse("431 Request Header Fields Too Large");
    } else {
        return false;
    }
    if (!begin(c, &a, keep)) {
        http_counters.refused = refused; /* it is answered anew */
        return false;
    }
    c->length -= length;
    memmove(c->request, c->request + length, c->length);
    return true;
}

/* As much of the body as the send buffer takes. */
static void write_body(struct connection *c)
{
    while (c->left) {
        uint64_t run = c->left;
        const uint8_t *from =
            c->page->at ? c->page->at(c->offset, &run) : (const uint8_t *)c->page->data + c->offset;
        uint64_t n = run < c->left ? run : c->left;

        n = n < WRITE_MAX ? n : WRITE_MAX;
        n = n < tcp_sndbuf(c->pcb) ? n : tcp_sndbuf(c->pcb);
        if (n == 0 ||
            tcp_write(c->pcb, from, (u16_t)n, n < c->left ? TCP_WRITE_FLAG_MORE : 0) != ERR_OK)
            return;
        c->offset += n;
        c->left -= n;
    }
}

/* Goes on where memory or the send buffer stopped it; called again by received, sent and poll. */
static void serve(struct connection *c)
{
    write_body(c);
    while (!c->left && c->keep && begin_answer(c))
        write_body(c);
    tcp_output(c->pcb);
    if (!c->left && !c->keep && server_close(c->pcb))
        c->pcb = NULL;
}

static err_t received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t error)
{
    struct connection *c = arg;

    (void)error;
    if (p) {
        size_t room = REQUEST_BYTES - c->length;

        tcp_recved(pcb, p->tot_len);
        c->too_long |= p->tot_len > room;
        c->length += pbuf_copy_partial(p, c->request + c->length, (u16_t)room, 0);
        pbuf_free(p);
    } else {
        c->keep = false;
    }
    serve(c);
    on_progress();
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

static void broken(void *arg, err_t error)
{
    struct connection *c = arg;

    (void)error;
    c->pcb = NULL;
}

static const struct connection_ops connection_ops = {received, sent, polled, broken};

static err_t accepted(void *arg, struct tcp_pcb *pcb, err_t error)
{
    (void)arg;
    if (error != ERR_OK)
        return error;
    for (struct connection *c = connections; c < connections + CONNECTIONS; c++) {
        if (c->pcb)
            continue;
        *c = (struct connection){.pcb = pcb, .keep = true};
        server_attach(pcb, c, &connection_ops);
        return ERR_OK;
    }
    return ERR_MEM; /* lwIP resets it */
}

void http_serve(const struct http_page *pages, unsigned n, void (*progress)(void))
{
    static bool listens;

    all_pages = pages;
    page_count = n;
    on_progress = progress;
    if (!listens)
        server_listen(HTTP_PORT, accepted);
    listens = true;
}

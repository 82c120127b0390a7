/* SPDX-License-Identifier: MIT */
#include "guest/memcache_server.h"

#include <stdbool.h>
#include <stdint.h>
#include "guest/console.h"
#include "guest/memcache_session.h"
#include "guest/server.h"

#define PIECES    128u
#define INPUT_MAX 1000u /* received pieces kept by all: the pool must not run dry */
#define WRITE_MAX 32768u

struct piece {
    const char *data;
    size_t bytes;
    struct memcache_item *item;
};

struct connection {
    struct tcp_pcb *pcb; /* NULL: free */
    struct memcache_session session;
    struct piece pieces[PIECES];
    size_t bytes_written;         /* of pieces[written] */
    size_t bytes_acked;           /* of pieces[head] */
    struct pbuf *input;           /* not fed yet */
    uint32_t head, written, tail; /* running counts: acknowledged <= written <= put */
    u16_t fed;                    /* of input's first piece */
    bool ends;                    /* the client sends no more */
};

static struct connection connections[MEMCACHE_CONNECTIONS];
static uint32_t inputs; /* pieces of all */
static void (*on_progress)(void);

uint64_t memcache_bytes_sent;

static void put(void *to, const char *data, size_t bytes, struct memcache_item *item)
{
    struct connection *c = to;

    c->pieces[c->tail++ % PIECES] = (struct piece){data, bytes, item};
}

static bool has_room(void *to)
{
    const struct connection *c = to;

    return c->tail - c->head + 2 <= PIECES;
}

static void write_more(struct connection *c)
{
    while (c->written != c->tail) {
        const struct piece *p = &c->pieces[c->written % PIECES];
        size_t n = p->bytes - c->bytes_written;

        n = n < WRITE_MAX ? n : WRITE_MAX;
        n = n < tcp_sndbuf(c->pcb) ? n : tcp_sndbuf(c->pcb);
        if (n == 0 || tcp_write(c->pcb, p->data + c->bytes_written, (u16_t)n, 0) != ERR_OK)
            break;
        c->bytes_written += n;
        if (c->bytes_written == p->bytes) {
            c->bytes_written = 0;
            c->written++;
        }
    }
    tcp_output(c->pcb);
}

static void forget_piece(struct connection *c)
{
    struct piece *p = &c->pieces[c->head++ % PIECES];

    if (p->item)
        memcache_release(p->item);
}

/* The first piece's reference goes, the others stay: what is received has one each. */
static void drop_input(struct connection *c)
{
    struct pbuf *p = c->input;

    c->input = p->next;
    c->fed = 0;
    p->next = NULL;
    p->tot_len = p->len;
    pbuf_free(p);
    inputs--;
}

static void feed(struct connection *c)
{
    while (c->input && has_room(c)) {
        const struct pbuf *p = c->input;
        size_t n = memcache_feed(&c->session, (const char *)p->payload + c->fed, p->len - c->fed);

        if (c->session.quit)
            n = p->len - c->fed; /* nobody reads it */
        tcp_recved(c->pcb, (u16_t)n);
        c->fed = (u16_t)(c->fed + n);
        if (c->fed < p->len)
            return;
        drop_input(c);
    }
}

static void forget(struct connection *c)
{
    memcache_session_end(&c->session);
    while (c->input)
        drop_input(c);
    while (c->head != c->tail)
        forget_piece(c);
    c->pcb = NULL;
}

/* Only once all is acknowledged: until then the segments point into the store. */
static void close_when_done(struct connection *c)
{
    if (c->head != c->tail || c->input || !(c->session.quit || c->ends))
        return;
    if (server_close(c->pcb))
        forget(c);
}

static void advance(struct connection *c)
{
    feed(c);
    write_more(c);
    close_when_done(c);
    on_progress();
}

static err_t received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t error)
{
    struct connection *c = arg;

    (void)pcb;
    (void)error;
    if (p && inputs + pbuf_clen(p) > INPUT_MAX)
        return ERR_MEM; /* lwIP keeps it and offers it again */
    if (!p) {
        c->ends = true;
    } else {
        inputs += pbuf_clen(p);
        if (c->input)
            pbuf_cat(c->input, p);
        else
            c->input = p;
    }
    advance(c);
    return ERR_OK;
}

static err_t sent(void *arg, struct tcp_pcb *pcb, u16_t bytes)
{
    struct connection *c = arg;

    (void)pcb;
    memcache_bytes_sent += bytes;
    c->bytes_acked += bytes;
    while (c->head != c->written && c->bytes_acked >= c->pieces[c->head % PIECES].bytes) {
        c->bytes_acked -= c->pieces[c->head % PIECES].bytes;
        forget_piece(c);
    }
    advance(c);
    return ERR_OK;
}

static err_t polled(void *arg, struct tcp_pcb *pcb)
{
    (void)pcb;
    advance(arg);
    return ERR_OK;
}

static void broken(void *arg, err_t error)
{
    (void)error;
    forget(arg);
}

static const struct connection_ops connection_ops = {received, sent, polled, broken};

static err_t accepted(void *arg, struct tcp_pcb *pcb, err_t error)
{
    (void)arg;
    if (error != ERR_OK)
        return error;
    for (struct connection *c = connections; c < connections + MEMCACHE_CONNECTIONS; c++) {
        if (c->pcb)
            continue;
        *c =
            (struct connection){.pcb = pcb, .session = {.put = put, .has_room = has_room, .to = c}};
        server_attach(pcb, c, &connection_ops);
        return ERR_OK;
    }
    return ERR_MEM; /* lwIP resets it */
}

void memcache_serve(void (*progress)(void))
{
    on_progress = progress;
    server_listen(MEMCACHE_PORT, accepted);
}

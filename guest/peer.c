/* SPDX-License-Identifier: MIT */
#include "guest/peer.h"

#include <stdarg.h>
#include <string.h>
#include "guest/args.h"
#include "guest/console.h"
#include "guest/net.h"
#include "guest/poll.h"
#include "lib/fmt.h"
#include "lwip/tcp.h"

#define LINE_BYTES 256

static struct {
    struct tcp_pcb *pcb;
    ip_addr_t address;
    bool open, closing, closed;
    char line[LINE_BYTES]; /* coming in */
    size_t length;
    bool started, done;
    char answer[LINE_BYTES]; /* of the last start */
    char result[LINE_BYTES]; /* what followed "done " */
    char request[LINE_BYTES];
} peer;

static bool starts_with(const char *text, const char *word)
{
    return strncmp(text, word, strlen(word)) == 0;
}

static void take_line(void)
{
    if (starts_with(peer.line, "refused"))
        fail("the peer refused \"%s\": %s", peer.request, peer.line + strlen("refused"));
    if (starts_with(peer.line, "started")) {
        memcpy(peer.answer, peer.line, sizeof(peer.answer));
        peer.started = true;
    } else if (starts_with(peer.line, "done ")) {
        memcpy(peer.result, peer.line + strlen("done "), sizeof(peer.result) - strlen("done "));
        peer.done = true;
    } else {
        fail("the peer said \"%s\", which is none of started, refused, done", peer.line);
    }
}

static void take_byte(char c)
{
    if (c == '\n') {
        peer.line[peer.length] = 0;
        peer.length = 0;
        take_line();
    } else if (peer.length < LINE_BYTES - 1) {
        peer.line[peer.length++] = c;
    }
}

static err_t received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t error)
{
    (void)arg;
    (void)error;
    if (!p && peer.closing) {
        peer.closed = true;
        return ERR_OK;
    }
    if (!p)
        fail("the peer closed its connection during \"%s\"", peer.request);
    for (struct pbuf *q = p; q; q = q->next) {
        for (u16_t i = 0; i < q->len; i++)
            take_byte(((const char *)q->payload)[i]);
    }
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    return ERR_OK;
}

static void lost(void *arg, err_t error)
{
    (void)arg;
    fail("no connection to the peer at %s: lwIP error %d; does tools/peer listen there?",
         ipaddr_ntoa(&peer.address), error);
}

static err_t connected(void *arg, struct tcp_pcb *pcb, err_t error)
{
    (void)arg;
    (void)pcb;
    (void)error;
    peer.open = true;
    return ERR_OK;
}

static bool is_open(void *unused)
{
    (void)unused;
    return peer.open;
}

void peer_connect(void)
{
    char text[40];
    u16_t port;

    args_text("peer", "10.0.2.2:4600", text, sizeof(text));
    net_parse_endpoint(text, &peer.address, &port);
    peer.pcb = tcp_new();
    tcp_recv(peer.pcb, received);
    tcp_err(peer.pcb, lost);
    if (tcp_connect(peer.pcb, &peer.address, port, connected) != ERR_OK)
        fail("cannot open a connection to the peer at %s", text);
    poll_until(is_open, NULL, "a connection to the peer");
}

static bool is_started(void *unused)
{
    (void)unused;
    return peer.started;
}

void peer_start(const char *format, ...)
{
    char command[LINE_BYTES + 8];
    va_list args;

    va_start(args, format);
    fmt_vsnprintf(peer.request, sizeof(peer.request), format, args);
    va_end(args);
    int length = fmt_snprintf(command, sizeof(command), "start %s\n", peer.request);
    peer.started = peer.done = false;
    if (tcp_write(peer.pcb, command, (u16_t)length, TCP_WRITE_FLAG_COPY) != ERR_OK)
        fail("no memory to ask the peer for \"%s\"", peer.request);
    tcp_output(peer.pcb);
    poll_until(is_started, NULL, "the peer to start a program");
}

/* The number behind key= in text, whose words have blanks between them; false without one. */
static bool find_number(const char *text, const char *key, uint64_t *value)
{
    size_t length = strlen(key);

    for (const char *at = text; at; at = strchr(at, ' ')) {
        at += *at == ' ';
        if (strncmp(at, key, length) != 0 || at[length] != '=')
            continue;
        const char *digit = at + length + 1;
        for (*value = 0; *digit >= '0' && *digit <= '9' && *value < UINT64_MAX / 16; digit++)
            *value = 10 * *value + (uint64_t)(*digit - '0');
        return digit > at + length + 1;
    }
    return false;
}

u16_t peer_port(void)
{
    uint64_t port;

    if (!find_number(peer.answer, "port", &port) || port == 0 || port > 65535)
        fail("the peer answered \"%s\" to \"%s\": no port= in it", peer.answer, peer.request);
    return (u16_t)port;
}

uint64_t peer_number(const char *key)
{
    uint64_t value;

    if (!find_number(peer.result, key, &value))
        fail("the peer ended \"%s\" with \"%s\": no %s= in it", peer.request, peer.result, key);
    return value;
}

const ip_addr_t *peer_address(void)
{
    return &peer.address;
}

bool peer_is_done(void *unused)
{
    (void)unused;
    return peer.done;
}

void peer_wait(void)
{
    poll_until(peer_is_done, NULL, "the peer's program to end");
    if (!starts_with(peer.result, "0 ") && strcmp(peer.result, "0") != 0)
        fail("the peer's \"%s\" did not hold: %s", peer.request, peer.result);
}

void peer_finish(void)
{
    peer_wait();
    say("peer: \"%s\" held: %s", peer.request, peer.result);
}

static bool is_closed(void *unused)
{
    (void)unused;
    return peer.closed;
}

void peer_close(void)
{
    peer.closing = true;
    if (tcp_shutdown(peer.pcb, 0, 1) != ERR_OK)
        fail("no memory to close the connection to the peer");
    poll_until(is_closed, NULL, "the peer to close its connection");
}

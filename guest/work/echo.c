/* SPDX-License-Identifier: MIT */
/*
 * Port 7 (RFC 862), TCP and UDP. What comes in goes out from the same receive buffer, which is kept
 * until the peer has acknowledged it. The peer compares. The TCP part is measured.
 */
#include <stdbool.h>
#include <stdint.h>
#include "guest/args.h"
#include "guest/console.h"
#include "guest/hyper.h"
#include "guest/net.h"
#include "guest/nic.h"
#include "guest/peer.h"
#include "guest/poll.h"
#include "guest/server.h"
#include "guest/window.h"
#include "guest/workload.h"
#include "lwip/udp.h"

#define PORT      7u
#define WARM_LAPS 2u
#define HELD_MAX  512u /* received pieces kept at once: the pool must not run dry */

static struct {
    struct pbuf *held[HELD_MAX];  /* first in, first out */
    uint32_t head, written, tail; /* running counts: acknowledged <= written <= received */
    uint32_t acked;               /* bytes of held[head] */
    bool closing;
    uint64_t bytes, bytes_before_window, warm_at;
    uint64_t datagrams, datagrams_lost;
} state;

static void write_more(struct tcp_pcb *pcb)
{
    while (state.written != state.tail) {
        const struct pbuf *p = state.held[state.written % HELD_MAX];

        if (p->len > tcp_sndbuf(pcb) || tcp_write(pcb, p->payload, p->len, 0) != ERR_OK)
            break;
        state.written++;
    }
    tcp_output(pcb);
    if (state.closing && state.head == state.tail)
        state.closing = !server_close(pcb);
}

static err_t sent(void *arg, struct tcp_pcb *pcb, u16_t bytes)
{
    uint32_t acked = state.acked + bytes;

    (void)arg;
    state.bytes += bytes;
    while (state.head != state.written && acked >= state.held[state.head % HELD_MAX]->len) {
        struct pbuf *p = state.held[state.head++ % HELD_MAX];
        acked -= p->len;
        tcp_recved(pcb, p->len);
        pbuf_free(p);
    }
    state.acked = acked;
    write_more(pcb);
    return ERR_OK;
}

/* Takes the chain apart: each piece is acknowledged, and let go, by itself. The pieces of a
 * received chain have one reference each, which pbuf_dechain() would drop. */
static void hold(struct pbuf *p)
{
    while (p) {
        struct pbuf *rest = p->next;
        p->next = NULL;
        p->tot_len = p->len;
        state.held[state.tail++ % HELD_MAX] = p;
        p = rest;
    }
}

static err_t received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t error)
{
    (void)arg;
    (void)error;
    if (p && state.tail - state.head + pbuf_clen(p) > HELD_MAX)
        return ERR_MEM; /* lwIP keeps it and offers it again */
    if (p)
        hold(p);
    else
        state.closing = true;
    if (!window_is_open() && nic_counters.rx_packets >= state.warm_at) {
        state.bytes_before_window = state.bytes;
        window_begin();
    }
    write_more(pcb);
    return ERR_OK;
}

static err_t polled(void *arg, struct tcp_pcb *pcb)
{
    (void)arg;
    write_more(pcb);
    return ERR_OK;
}

static void broken(void *arg, err_t error)
{
    (void)arg;
    fail("echo: the connection broke after %zu bytes: lwIP error %d", (size_t)state.bytes, error);
}

static const struct connection_ops connection_ops = {received, sent, polled, broken};

static err_t accepted(void *arg, struct tcp_pcb *pcb, err_t error)
{
    (void)arg;
    if (error != ERR_OK)
        return error;
    server_attach(pcb, NULL, &connection_ops);
    state.warm_at = nic_counters.rx_packets + WARM_LAPS * NIC_RX_BUFFERS;
    return ERR_OK;
}

static void datagram(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
                     u16_t port)
{
    (void)arg;
    state.datagrams++;
    state.datagrams_lost += udp_sendto(pcb, p, from, port) != ERR_OK;
    pbuf_free(p);
}

static void listen_on(u16_t port)
{
    struct udp_pcb *udp = udp_new();

    server_listen(port, accepted);
    if (udp_bind(udp, IP_ADDR_ANY, port) != ERR_OK)
        fail("cannot listen on UDP port %u", port);
    udp_recv(udp, datagram, NULL);
}

static int run(void)
{
    uint64_t bytes = args_number("bytes", 32u << 20);

    net_start();
    /* Only an echoed page is read by the device: warm-up by traffic alone would leave out those
     * whose buffers have held nothing but ACKs. */
    nic_rx_pretouch(ABI_DMA_READ | ABI_DMA_WRITE);
    listen_on(PORT);
    peer_connect();
    peer_start("tcp_echo port=%u bytes=%zu", PORT, (size_t)bytes);
    poll_until(peer_is_done, NULL, "the TCP echo");
    if (window_is_open())
        window_end("echo", state.bytes - state.bytes_before_window);
    else
        say("echo: nothing measured: %zu bytes end before %u laps of the receive pool",
            (size_t)bytes, WARM_LAPS);
    peer_finish();
    peer_start("udp_echo port=%u count=%zu bytes=%zu", PORT, (size_t)args_number("count", 1000),
               (size_t)args_number("datagram", 1024));
    peer_finish();
    peer_close();
    say("echo: %zu bytes by TCP, %zu datagrams", (size_t)state.bytes, (size_t)state.datagrams);
    if (state.datagrams_lost)
        fail("echo: %zu datagrams found no room to go back", (size_t)state.datagrams_lost);
    return 0;
}

const struct workload echo = {"echo", run};

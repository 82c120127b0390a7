/* SPDX-License-Identifier: MIT */
/* iperf 2 floods our UDP port 5001. Datagrams are counted and let go where they lie; the count goes
 * back as the answer to the last one. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "guest/clock.h"
#include "guest/console.h"
#include "guest/net.h"
#include "guest/nic.h"
#include "guest/peer.h"
#include "guest/poll.h"
#include "guest/udp_load.h"
#include "guest/window.h"
#include "guest/workload.h"
#include "lwip/udp.h"

#define PORT 5001u

static struct {
    struct udp_load load;
    struct udp_count count;
    uint64_t dropped; /* neither iperf's nor of this sender */
    ip_addr_t from;   /* who sent the first datagram; nobody else counts */
    u16_t port;       /* 0: none came yet */
    uint64_t begin;   /* TSC of the first datagram */
    uint64_t window;  /* TSC at which it began */
    uint64_t last;    /* TSC of the last datagram */
    uint64_t bytes_before_window;
    uint64_t sent;
    bool ended;
} state;

static void answer(struct udp_pcb *pcb)
{
    uint64_t us = (state.last - state.begin) / (boot->tsc_hz / 1000000);
    struct iperf_answer a = {
        .flags = lwip_htonl(IPERF_ANSWER_FLAGS),
        .bytes_high = lwip_htonl((uint32_t)(state.count.bytes >> 32)),
        .bytes_low = lwip_htonl((uint32_t)state.count.bytes),
        .seconds = lwip_htonl((uint32_t)(us / 1000000)),
        .microseconds = lwip_htonl((uint32_t)(us % 1000000)),
        .lost = lwip_htonl((uint32_t)state.count.lost),
        .out_of_order = lwip_htonl((uint32_t)state.count.out_of_order),
        .datagrams = lwip_htonl((uint32_t)state.sent),
    };
    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, sizeof(a), PBUF_RAM);

    if (!p)
        return; /* the sender asks again */
    memcpy(p->payload, &a, sizeof(a));
    udp_sendto(pcb, p, &state.from, state.port);
    pbuf_free(p);
}

static void take_data(uint64_t id, uint16_t bytes)
{
    state.last = clock_tsc();
    if (state.count.received == 0)
        state.begin = state.last;
    udp_count(&state.count, id, bytes);
    if (!window_is_open() && state.count.received >= UDP_WARM_DATAGRAMS) {
        state.bytes_before_window = state.count.bytes;
        state.window = clock_tsc();
        window_begin();
    }
}

/* Whether it is of the one sender, whom the first datagram with data makes known. */
static bool is_ours(int64_t id, const ip_addr_t *from, u16_t port)
{
    if (!state.port && id > 0) {
        state.from = *from;
        state.port = port;
    }
    return id != 0 && port == state.port && ip_addr_cmp(from, &state.from);
}

static void datagram(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
                     u16_t port)
{
    struct iperf_header header = {0}; /* id 0: a datagram too short for one */
    uint16_t bytes = p->tot_len;

    (void)arg;
    if (bytes >= sizeof(header))
        pbuf_copy_partial(p, &header, sizeof(header), 0);
    pbuf_free(p);
    int64_t id = iperf_id(&header);
    if (!is_ours(id, from, port) || (state.ended && id > 0)) {
        state.dropped++;
    } else if (id > 0) {
        take_data((uint64_t)id, bytes);
    } else {
        if (!state.ended)
            state.sent = udp_count_end(&state.count, (uint64_t)-id);
        state.ended = true;
        answer(pcb);
    }
}

static void end_window(void)
{
    const struct udp_count *c = &state.count;
    struct udp_result r = {state.sent, c->received, c->lost, c->out_of_order};

    udp_window_end(&state.load, &r, c->bytes - state.bytes_before_window,
                   state.last - state.window);
}

static bool has_ended(void *unused)
{
    return state.ended || peer_is_done(unused);
}

static int run(void)
{
    struct udp_pcb *pcb;

    state.load = udp_load_args("udp_rx");
    net_start();
    nic_rx_pretouch(ABI_DMA_WRITE);
    pcb = udp_new();
    if (udp_bind(pcb, IP_ADDR_ANY, PORT) != ERR_OK)
        fail("udp_rx: cannot listen on port %u", PORT);
    udp_recv(pcb, datagram, NULL);
    peer_connect();
    peer_start("udp_send port=%u msg=%zu rate=%zu load=%zu", PORT, (size_t)state.load.message,
               (size_t)state.load.rate, (size_t)state.load.seconds);
    poll_until(has_ended, NULL, "the last datagram");
    if (window_is_open())
        end_window();
    else
        say("udp_rx: nothing measured: fewer than %u datagrams came", UDP_WARM_DATAGRAMS);
    peer_finish();
    peer_close();
    if (!state.ended)
        fail("udp_rx: iperf ended, and its last datagram never came");
    if (state.dropped)
        say("udp_rx: %zu datagrams dropped that were not iperf's", (size_t)state.dropped);
    return 0;
}

const struct workload udp_rx = {"udp_rx", run};

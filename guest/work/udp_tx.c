/* SPDX-License-Identifier: MIT */
/* We flood iperf 2 with datagrams. All but the header is sent from where it lies: SLOTS of them,
 * each with room for the largest, go round in 4 MiB. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "guest/clock.h"
#include "guest/console.h"
#include "guest/dma.h"
#include "guest/heap.h"
#include "guest/net.h"
#include "guest/pattern.h"
#include "guest/peer.h"
#include "guest/poll.h"
#include "guest/udp_load.h"
#include "guest/window.h"
#include "guest/workload.h"
#include "lwip/udp.h"

#define SLOT      (UDP_MESSAGE_MAX - sizeof(struct iperf_header))
#define SLOTS     (PATTERN_BYTES / SLOT)
#define SLICE_MS  1000u
#define BURST_MAX 32u /* datagrams of a rate= at once, to make up for a delay */
#define END_MS    250u
#define ENDS      40u /* of the last datagram until one is answered */

static struct {
    struct udp_load load;
    struct udp_pcb *pcb;
    uint64_t sent, sent_before_window;
    uint64_t end, next, interval; /* TSC, TSC, ticks from datagram to datagram */
    uint64_t window, active;      /* TSC at which it began; ticks until the flood's end */
    uint64_t slice;               /* TSC */
    bool end_is_sent, answered;
} state;

static bool (*net_timers)(void);
static uint64_t (*net_next_timer)(void);

/* False without room: try again later. */
static bool send_one(int64_t id)
{
    struct iperf_header header = iperf_header(id);
    size_t rest = state.load.message - sizeof(header);
    err_t error = ERR_MEM;

    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, sizeof(header), PBUF_RAM);
    const uint8_t *from = pattern() + state.sent % SLOTS * SLOT;
    struct pbuf *data = pbuf_alloc_reference((void *)(uintptr_t)from, (u16_t)rest, PBUF_ROM);
    if (p && data) {
        memcpy(p->payload, &header, sizeof(header));
        pbuf_chain(p, data);
        error = udp_send(state.pcb, p);
    }
    if (data)
        pbuf_free(data);
    if (p)
        pbuf_free(p);
    if (error != ERR_OK && error != ERR_MEM)
        fail("udp_tx: a datagram can't be sent: lwIP error %d", error);
    return error == ERR_OK;
}

static void begin_window(void)
{
    state.sent_before_window = state.sent;
    window_begin();
    state.window = clock_tsc();
}

/* As many as are due and the card's queue takes. What is long due is left out: it would be a burst
 * that the receiver's buffer need not hold. */
static bool send_due(void)
{
    uint64_t now = clock_tsc();
    bool any = false;

    if (now > state.next + BURST_MAX * state.interval)
        state.next = now - BURST_MAX * state.interval;
    while (now < state.end && now >= state.next && send_one((int64_t)state.sent + 1)) {
        state.next += state.interval;
        any = true;
        if (++state.sent == UDP_WARM_DATAGRAMS)
            begin_window();
    }
    return any;
}

static bool timers(void)
{
    bool busy = net_timers();

    return send_due() || busy;
}

static uint64_t next_timer(void)
{
    uint64_t due = net_next_timer();

    return state.next < due && state.next < state.end ? state.next : due;
}

static bool is_slice_over(void *unused)
{
    (void)unused;
    return clock_tsc() >= state.slice;
}

/* In slices: poll_until() takes it for a dead link when no frame comes, but nobody answers here. */
static void flood(void)
{
    uint64_t now = clock_tsc();

    if (state.load.rate)
        state.interval = boot->tsc_hz / 1000 * state.load.message * 8 / (state.load.rate * 1000);
    state.next = now;
    state.end = now + clock_ms_to_tsc(1000 * state.load.seconds);
    net_timers = poll_timers;
    net_next_timer = poll_next_timer;
    poll_timers = timers;
    poll_next_timer = next_timer;
    for (uint64_t i = 1; i <= state.load.seconds; i++) {
        state.slice = now + i * clock_ms_to_tsc(SLICE_MS);
        poll_until(is_slice_over, NULL, "the flood's end");
    }
    state.active = clock_tsc() - state.window;
    poll_timers = net_timers;
    poll_next_timer = net_next_timer;
}

static void answered(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
                     u16_t port)
{
    (void)arg;
    (void)pcb;
    (void)from;
    (void)port;
    state.answered |= state.end_is_sent && p->tot_len >= sizeof(struct iperf_answer);
    pbuf_free(p);
}

static bool is_answered(void *unused)
{
    if (!state.end_is_sent)
        state.end_is_sent = send_one(-(int64_t)state.sent - 1);
    state.answered |= peer_is_done(unused); /* iperf ends then, and its answer may be lost, too */
    return state.answered || is_slice_over(unused);
}

/* A flood fills the receiver's buffer: the first of these may well be lost. */
static void end_flood(void)
{
    for (unsigned i = 0; i < ENDS && !state.answered; i++) {
        state.end_is_sent = false;
        state.slice = clock_tsc() + clock_ms_to_tsc(END_MS);
        poll_until(is_answered, NULL, "iperf's answer to the last datagram");
    }
    if (!state.answered)
        fail("udp_tx: iperf answered none of %u last datagrams; does UDP reach the peer's port %u?",
             ENDS, peer_port());
}

static void connect(void)
{
    state.pcb = udp_new();
    if (udp_connect(state.pcb, peer_address(), peer_port()) != ERR_OK)
        fail("udp_tx: no way to the peer's port %u", peer_port());
    udp_recv(state.pcb, answered, NULL);
}

static int run(void)
{
    struct udp_result r;

    state.load = udp_load_args("udp_tx");
    net_start();
    dma_pretouch(pattern(), PATTERN_BYTES / PAGE_BYTES, ABI_DMA_READ);
    peer_connect();
    peer_start("udp_receive msg=%zu load=%zu", (size_t)state.load.message,
               (size_t)state.load.seconds);
    connect();
    flood();
    end_flood();
    peer_wait();
    r = (struct udp_result){state.sent, peer_number("received"), peer_number("lost"),
                            peer_number("out_of_order")};
    if (window_is_open())
        udp_window_end(&state.load, &r,
                       (state.sent - state.sent_before_window) * state.load.message, state.active);
    else
        say("udp_tx: nothing measured: fewer than %u datagrams left", UDP_WARM_DATAGRAMS);
    peer_finish();
    peer_close();
    return 0;
}

const struct workload udp_tx = {"udp_tx", run};

/* SPDX-License-Identifier: MIT */
#include "guest/stream.h"

#include <stddef.h>
#include <stdint.h>
#include "guest/args.h"
#include "guest/console.h"
#include "guest/net.h"
#include "guest/nic.h"
#include "guest/pattern.h"
#include "guest/peer.h"
#include "guest/poll.h"
#include "guest/window.h"
#include "lwip/tcp.h"

#define WARM_LAPS 2u
#define WRITE_MAX 32768u

static struct {
    const struct stream *spec;
    struct tcp_pcb *pcb;
    uint64_t bytes, message; /* to send; in one go */
    uint64_t written, acked; /* of these */
    uint64_t acked_before_window;
    uint64_t warm_at; /* received frames */
    bool ended;
} state;

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* As much as the send buffer takes, message by message, each pushed by itself as a socket's send()
 * does (Nagle is on, as there); the rest follows from sent(). */
static void write_more(void)
{
    while (state.written < state.bytes) {
        uint64_t at = state.written % PATTERN_BYTES;
        uint64_t n = least(state.message - state.written % state.message, PATTERN_BYTES - at);

        n = least(least(n, WRITE_MAX), state.bytes - state.written);
        n = least(n, tcp_sndbuf(state.pcb));
        /* No copy: the segment points into the pattern. */
        if (n == 0 || tcp_write(state.pcb, pattern() + at, (u16_t)n, 0) != ERR_OK)
            break;
        state.written += n;
        if (state.written % state.message == 0)
            tcp_output(state.pcb);
    }
    tcp_output(state.pcb);
}

/* Two laps of the payload, and one of the receive pool as far as the peer's few ACKs go round. */
static bool is_warm(void)
{
    return state.acked >= (uint64_t)WARM_LAPS * PATTERN_BYTES &&
           (nic_counters.rx_packets >= state.warm_at || state.acked >= state.bytes / 2);
}

static void end_stream(void)
{
    if (window_is_open()) {
        window_figure("msg", state.message);
        window_end(state.spec->workload, state.acked - state.acked_before_window);
    }
    state.ended = true;
    tcp_sent(state.pcb, NULL);
    tcp_err(state.pcb, NULL);
    if (tcp_close(state.pcb) != ERR_OK)
        fail("%s: no memory to close the stream", state.spec->workload);
}

static err_t sent(void *arg, struct tcp_pcb *pcb, u16_t bytes)
{
    (void)arg;
    (void)pcb;
    state.acked += bytes;
    if (state.acked >= state.bytes) {
        end_stream();
        return ERR_OK;
    }
    if (!window_is_open() && is_warm()) {
        state.acked_before_window = state.acked;
        window_begin();
    }
    write_more();
    return ERR_OK;
}

static void broken(void *arg, err_t error)
{
    (void)arg;
    fail("%s: the stream broke after %zu bytes: lwIP error %d", state.spec->workload,
         (size_t)state.acked, error);
}

static err_t connected(void *arg, struct tcp_pcb *pcb, err_t error)
{
    (void)arg;
    (void)pcb;
    (void)error;
    state.warm_at = nic_counters.rx_packets + NIC_RX_BUFFERS;
    write_more();
    return ERR_OK;
}

static bool has_ended(void *unused)
{
    (void)unused;
    return state.ended;
}

int stream_send(const struct stream *s)
{
    state.spec = s;
    state.bytes = args_number("bytes", 64u << 20);
    state.message = stream_message(s);
    net_start();
    pattern();
    peer_connect();
    peer_start("%s bytes=%zu", s->program, (size_t)state.bytes);
    state.pcb = tcp_new();
    tcp_sent(state.pcb, sent);
    tcp_err(state.pcb, broken);
    if (tcp_connect(state.pcb, peer_address(), peer_port(), connected) != ERR_OK)
        fail("%s: cannot connect to the peer's port %u", s->workload, peer_port());
    poll_until(has_ended, NULL, "the end of the stream");
    peer_finish();
    peer_close();
    if (!state.acked_before_window)
        say("%s: nothing measured: %zu bytes end before %u laps of the payload", s->workload,
            (size_t)state.bytes, WARM_LAPS);
    return 0;
}

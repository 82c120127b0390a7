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
#include "guest/server.h"
#include "guest/window.h"

#define PORT        5001u
#define WARM_LAPS   2u
#define MESSAGE_MAX 65536u

static struct {
    const struct stream *spec;
    uint64_t bytes; /* received */
    uint64_t message;
    uint64_t bytes_before_window;
    uint64_t warm_at; /* received frames */
    bool ended;
} state;

static void check(const struct pbuf *p)
{
    size_t same = pattern_match(state.bytes, p->payload, p->len);

    if (same < p->len)
        fail("%s: byte %zu of the stream is 0x%02x, not what the peer sent", state.spec->workload,
             (size_t)state.bytes + same, ((const uint8_t *)p->payload)[same]);
}

static void end_stream(struct tcp_pcb *pcb)
{
    if (window_is_open()) {
        window_figure("msg", state.message);
        window_end(state.spec->workload, state.bytes - state.bytes_before_window);
    }
    state.ended = true;
    if (!server_close(pcb))
        fail("%s: no memory to close the stream", state.spec->workload);
}

static err_t received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t error)
{
    (void)arg;
    (void)error;
    if (!p) {
        end_stream(pcb);
        return ERR_OK;
    }
    for (struct pbuf *q = p; q; q = q->next) {
        if (state.spec->verify)
            check(q);
        state.bytes += q->len;
    }
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    if (!window_is_open() && nic_counters.rx_packets >= state.warm_at) {
        state.bytes_before_window = state.bytes;
        window_begin();
    }
    return ERR_OK;
}

static void broken(void *arg, err_t error)
{
    (void)arg;
    fail("%s: the stream broke after %zu bytes: lwIP error %d", state.spec->workload,
         (size_t)state.bytes, error);
}

static err_t accepted(void *arg, struct tcp_pcb *pcb, err_t error)
{
    (void)arg;
    if (error != ERR_OK)
        return error;
    state.warm_at = nic_counters.rx_packets + WARM_LAPS * NIC_RX_BUFFERS;
    tcp_recv(pcb, received);
    tcp_err(pcb, broken);
    return ERR_OK;
}

static bool has_ended(void *unused)
{
    (void)unused;
    return state.ended;
}

uint64_t stream_message(const struct stream *s)
{
    uint64_t bytes = args_number("msg", MESSAGE_MAX);

    if (bytes == 0 || bytes > MESSAGE_MAX)
        fail("%s: msg=%zu: 1 to %u bytes", s->workload, (size_t)bytes, MESSAGE_MAX);
    return bytes;
}

int stream_receive(const struct stream *s)
{
    uint64_t bytes = args_number("bytes", 64u << 20);

    state.spec = s;
    state.message = stream_message(s);
    net_start();
    if (s->verify)
        pattern();
    server_listen(PORT, accepted);
    peer_connect();
    peer_start("%s port=%u bytes=%zu msg=%zu", s->program, PORT, (size_t)bytes,
               (size_t)state.message);
    poll_until(has_ended, NULL, "the end of the stream");
    peer_finish();
    peer_close();
    if (state.bytes < bytes || (s->verify && state.bytes != bytes))
        fail("%s: %zu bytes came, %zu were asked for", s->workload, (size_t)state.bytes,
             (size_t)bytes);
    if (!state.bytes_before_window)
        say("%s: nothing measured: %zu bytes end before %u laps of the receive pool", s->workload,
            (size_t)bytes, WARM_LAPS);
    return 0;
}

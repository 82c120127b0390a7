/* SPDX-License-Identifier: MIT */
/*
 * ICMP echo (RFC 792) to the gateway, one request at a time. Each answer is compared byte by byte
 * with what was sent. Nobody outside is needed: an emulated network answers for its own gateway.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "guest/args.h"
#include "guest/clock.h"
#include "guest/console.h"
#include "guest/net.h"
#include "guest/nic.h"
#include "guest/pattern.h"
#include "guest/poll.h"
#include "guest/window.h"
#include "guest/workload.h"
#include "lwip/icmp.h"
#include "lwip/inet_chksum.h"
#include "lwip/netif.h"
#include "lwip/raw.h"

#define IDENTIFIER   0x736c
#define HEADER_BYTES 8u
#define BYTES_MAX    1472u
#define AGAIN_MS     100u

static struct {
    struct raw_pcb *pcb;
    uint16_t bytes; /* of payload */
    uint64_t asked; /* requests so far; the last one's sequence number is its low half */
    bool answered;
    uint64_t again_at;
} state;

/* A request and its answer differ in the type, and so in the checksum: both are left out. */
static bool is_the_answer(const uint8_t *icmp)
{
    uint64_t offset = state.asked * state.bytes % PATTERN_BYTES;

    return icmp[1] == 0 && icmp[4] == (IDENTIFIER >> 8) && icmp[5] == (IDENTIFIER & 0xff) &&
           icmp[6] == (uint8_t)(state.asked >> 8) && icmp[7] == (uint8_t)state.asked &&
           pattern_match(offset, icmp + HEADER_BYTES, state.bytes) == state.bytes;
}

/* The first request was repeated if its answer took long, and is then answered more than once: in
 * order, so before the second's. */
static bool is_the_firsts(const uint8_t *icmp)
{
    return state.asked == 1 && icmp[6] == 0 && icmp[7] == 0;
}

static uint8_t received(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *from)
{
    const uint8_t *ip = p->payload, *icmp = ip + (ip[0] & 15) * 4;

    (void)arg;
    (void)pcb;
    (void)from;
    if (icmp[0] != ICMP_ER)
        return 0; /* the stack's */
    if (is_the_firsts(icmp)) {
        pbuf_free(p);
        return 1;
    }
    if (p->len != icmp - ip + HEADER_BYTES + state.bytes || !is_the_answer(icmp))
        fail("ping: the answer to request %zu is not what was asked", (size_t)state.asked);
    state.answered = true;
    pbuf_free(p);
    return 1;
}

static void ask(void)
{
    struct pbuf *p = pbuf_alloc(PBUF_IP, (u16_t)(HEADER_BYTES + state.bytes), PBUF_RAM);
    uint64_t offset = state.asked * state.bytes % PATTERN_BYTES;
    uint8_t *icmp;

    if (!p)
        fail("ping: no memory for request %zu", (size_t)state.asked);
    icmp = p->payload;
    memcpy(icmp,
           (uint8_t[]){ICMP_ECHO, 0, 0, 0, IDENTIFIER >> 8, IDENTIFIER & 0xff,
                       (uint8_t)(state.asked >> 8), (uint8_t)state.asked},
           HEADER_BYTES);
    for (unsigned i = 0; i < state.bytes; i++)
        icmp[HEADER_BYTES + i] = pattern()[(offset + i) % PATTERN_BYTES];
    uint16_t sum = inet_chksum(icmp, p->len);
    memcpy(icmp + 2, &sum, sizeof(sum));
    state.answered = false;
    if (raw_sendto(state.pcb, p, netif_ip_gw4(netif_default)) != ERR_OK)
        fail("ping: request %zu could not be sent", (size_t)state.asked);
    pbuf_free(p);
}

static bool is_answered(void *unused)
{
    (void)unused;
    return state.answered;
}

/* A receiver that has just been started may still drop frames: the first request is repeated. */
static bool first_is_answered(void *unused)
{
    (void)unused;
    if (!state.answered && clock_tsc() >= state.again_at) {
        state.again_at = clock_tsc() + clock_ms_to_tsc(AGAIN_MS);
        ask();
    }
    return state.answered;
}

static int run(void)
{
    uint64_t count = args_number("count", 1000), bytes = args_number("datagram", 1024);

    if (bytes > BYTES_MAX)
        fail("datagram=%zu: %u bytes is what a request carries unfragmented", (size_t)bytes,
             BYTES_MAX);
    state.bytes = (uint16_t)bytes;
    net_start();
    /* One frame at a time would take long to go round the pool. */
    nic_rx_pretouch(ABI_DMA_WRITE);
    state.pcb = raw_new(IP_PROTO_ICMP);
    raw_recv(state.pcb, received, NULL);
    poll_until(first_is_answered, NULL, "the gateway's first answer to a ping");
    window_begin();
    while (state.asked < count) {
        state.asked++;
        ask();
        poll_until(is_answered, NULL, "the gateway's answer to a ping");
    }
    window_end("ping", 2 * count * bytes);
    say("ping: %zu answers of %zu bytes, each as it was sent", (size_t)count, (size_t)bytes);
    return 0;
}

const struct workload ping = {"ping", run};

/* SPDX-License-Identifier: MIT */
#include "guest/udp_load.h"

#include <stddef.h>
#include "guest/args.h"
#include "guest/clock.h"
#include "guest/console.h"
#include "guest/window.h"
#include "lwip/def.h"

#define MESSAGE_MIN 18u /* fills the shortest frame: 64 bytes with its CRC */
#define RATE_MAX    100000u
#define SECONDS_MAX 3600u
#define ID_MAX      (1LL << 40)

struct udp_load udp_load_args(const char *workload)
{
    struct udp_load load = {
        .workload = workload,
        .message = args_number("msg", UDP_MESSAGE_MAX),
        .rate = args_number("rate", 0),
        .seconds = args_number("load", 5),
    };

    if (load.message < MESSAGE_MIN || load.message > UDP_MESSAGE_MAX)
        fail("%s: msg=%zu: %u to %u bytes, what a datagram carries unfragmented", workload,
             (size_t)load.message, MESSAGE_MIN, UDP_MESSAGE_MAX);
    if (load.rate > RATE_MAX)
        fail("%s: rate=%zu: 1 to %u Mbit/s, or 0 for as fast as possible", workload,
             (size_t)load.rate, RATE_MAX);
    if (load.seconds == 0 || load.seconds > SECONDS_MAX)
        fail("%s: load=%zu: 1 to %u seconds", workload, (size_t)load.seconds, SECONDS_MAX);
    return load;
}

struct iperf_header iperf_header(int64_t id)
{
    uint64_t now = clock_tsc(), hz = boot->tsc_hz;

    return (struct iperf_header){
        .id_low = lwip_htonl((uint32_t)id),
        .seconds = lwip_htonl((uint32_t)(now / hz)),
        .microseconds = lwip_htonl((uint32_t)(now % hz * 1000000 / hz)),
        .id_high = lwip_htonl((uint32_t)((uint64_t)id >> 32)),
    };
}

int64_t iperf_id(const struct iperf_header *h)
{
    int64_t id = (int64_t)((uint64_t)lwip_ntohl(h->id_high) << 32 | lwip_ntohl(h->id_low));

    return id < -ID_MAX || id > ID_MAX ? 0 : id;
}

void udp_count(struct udp_count *c, uint64_t id, uint64_t bytes)
{
    c->received++;
    c->bytes += bytes;
    if (id > c->highest) {
        c->lost += id - c->highest - 1;
        c->highest = id;
    } else {
        c->out_of_order++;
        c->lost -= c->lost > 0;
    }
}

uint64_t udp_count_end(struct udp_count *c, uint64_t id)
{
    if (id > c->highest + 1) {
        c->lost += id - c->highest - 1;
        c->highest = id - 1;
    }
    return c->highest;
}

void udp_window_end(const struct udp_load *load, const struct udp_result *r, uint64_t bytes,
                    uint64_t active)
{
    uint64_t hz = boot->tsc_hz;

    window_figure("msg", load->message);
    window_figure("rate", load->rate);
    window_figure("sent", r->sent);
    window_figure("received", r->received);
    window_figure("lost", r->lost);
    window_figure("out_of_order", r->out_of_order);
    window_figure("active_us", active / hz * 1000000 + active % hz * 1000000 / hz);
    window_end(load->workload, bytes);
}

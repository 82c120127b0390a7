/* SPDX-License-Identifier: MIT */
/* iperf 2's datagrams (as of 2.1), and what udp_rx and udp_tx are asked for. */
#ifndef GUEST_UDP_LOAD_H
#define GUEST_UDP_LOAD_H

#include <stdbool.h>
#include <stdint.h>

/* Datagrams before the window: all pages have been mapped once before the first. */
#define UDP_WARM_DATAGRAMS 128u
#define UDP_MESSAGE_MAX    1472u /* fills the longest frame that is not cut to pieces: 1,518 bytes */

struct udp_load {
    const char *workload; /* name in the result record */
    uint64_t message;     /* bytes of a datagram's payload */
    uint64_t rate;        /* Mbit/s of payload; 0: as fast as possible */
    uint64_t seconds;
};

/* Takes msg=, rate= and load=; ends the guest when one of them can't be. */
struct udp_load udp_load_args(const char *workload);

/* Each datagram begins with these 16 bytes, all big-endian. Ids count from 1; the last datagram is
 * no data, and its id is minus the next one. */
struct iperf_header {
    uint32_t id_low, seconds, microseconds, id_high;
};

struct iperf_header iperf_header(int64_t id);
/* 0 for one that no sender can have reached; more than 2^40 either way is none. */
int64_t iperf_id(const struct iperf_header *h);

/* What a receiver answers to the last datagram, so that the sender stops repeating it. */
struct iperf_answer {
    struct iperf_header header; /* all 0 */
    uint32_t flags;
    uint32_t bytes_high, bytes_low;
    uint32_t seconds, microseconds;
    uint32_t lost, out_of_order, datagrams;
    uint32_t jitter_seconds, jitter_microseconds;
};

#define IPERF_ANSWER_FLAGS 0x80000000u

/* As iperf counts: a gap is lost until it comes late. A datagram that comes twice counts as late,
 * too. */
struct udp_count {
    uint64_t highest; /* id */
    uint64_t bytes, received, lost, out_of_order;
};

void udp_count(struct udp_count *c, uint64_t id, uint64_t bytes);
/* The last datagram's: what is missing before it is lost. Returns how many were sent. */
uint64_t udp_count_end(struct udp_count *c, uint64_t id);

/* The figures of a record, but for active_us. */
struct udp_result {
    uint64_t sent, received, lost, out_of_order;
};

/* Ends the window. active: ticks in which datagrams moved, less than the window's. */
void udp_window_end(const struct udp_load *load, const struct udp_result *r, uint64_t bytes,
                    uint64_t active);

#endif

/* SPDX-License-Identifier: MIT */
/* One TCP stream of bytes= bytes with the peer, msg= at a time, either way; what tcp_rx, tcp_tx,
 * check_rx and check_tx share. */
#ifndef GUEST_STREAM_H
#define GUEST_STREAM_H

#include <stdbool.h>
#include <stdint.h>

struct stream {
    const char *workload; /* name in the result record */
    const char *program;  /* what the peer runs */
    bool verify;          /* compare each received byte with the pattern, and the exact length */
};

/* msg=; ends the guest when it is none. */
uint64_t stream_message(const struct stream *s);

/* The peer sends to our port 5001. Measured from the second lap of the receive pool on. */
int stream_receive(const struct stream *s);

/* We send the 4 MiB pattern, over and over, from where it lies. Measured from its third lap on. */
int stream_send(const struct stream *s);

#endif

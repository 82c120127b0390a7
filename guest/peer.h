/* SPDX-License-Identifier: MIT */
/*
 * The peer: a program on the other side of the wire (tools/peer) that starts real clients and
 * servers when the guest asks, one at a time, over one TCP connection.
 *   -> "start NAME key=value ..."   <- "started key=value ..." or "refused REASON"
 *   <- "done RC TEXT" when the program has ended
 */
#ifndef GUEST_PEER_H
#define GUEST_PEER_H

#include <stdbool.h>
#include <stdint.h>
#include "lwip/ip_addr.h"

/* Connects to peer=. All functions here end the guest, in words, when the peer does not play. */
void peer_connect(void);

/* Asks for a program and waits until it runs. */
void peer_start(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The value of port= in the peer's last answer, and the peer's address. */
u16_t peer_port(void);
const ip_addr_t *peer_address(void);

/* True once the program has ended: a condition for poll_until(). */
bool peer_is_done(void *unused);
/* Waits for that; the program must have held. */
void peer_wait(void);
/* The same, and says so. */
void peer_finish(void);
/* The value of key= in what the program told at its end. */
uint64_t peer_number(const char *key);

/* Ends the conversation: a connection left open would be there when the next guest comes. */
void peer_close(void);

#endif

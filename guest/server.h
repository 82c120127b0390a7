/* SPDX-License-Identifier: MIT */
/* What every TCP server of the guest does with lwIP. */
#ifndef GUEST_SERVER_H
#define GUEST_SERVER_H

#include <stdbool.h>
#include "lwip/tcp.h"

struct connection_ops {
    tcp_recv_fn received;
    tcp_sent_fn sent;
    tcp_poll_fn polled; /* once a second */
    tcp_err_fn broken;  /* lwIP has freed the connection already */
};

/* Ends the guest when the port is not free. */
void server_listen(u16_t port, tcp_accept_fn accepted);

/* From now on each of pcb's callbacks gets connection. An answer's last segment is not kept back
 * until the peer's ACK (Nagle is off). */
void server_attach(struct tcp_pcb *pcb, void *connection, const struct connection_ops *ops);

/* What was written still goes out, and no callback comes any more. False without memory for the
 * FIN: then nothing has changed, and polled() may try again. */
bool server_close(struct tcp_pcb *pcb);

#endif

/* SPDX-License-Identifier: MIT */
#include "guest/server.h"

#include <stddef.h>
#include "guest/console.h"

#define POLL_TICKS 2u /* of lwIP's slow timer, half a second each */

void server_listen(u16_t port, tcp_accept_fn accepted)
{
    struct tcp_pcb *pcb = tcp_new();

    if (tcp_bind(pcb, IP_ADDR_ANY, port) != ERR_OK || !(pcb = tcp_listen(pcb)))
        fail("cannot listen on port %u", port);
    tcp_accept(pcb, accepted);
}

void server_attach(struct tcp_pcb *pcb, void *connection, const struct connection_ops *ops)
{
    tcp_nagle_disable(pcb);
    tcp_arg(pcb, connection);
    tcp_recv(pcb, ops->received);
    tcp_sent(pcb, ops->sent);
    tcp_err(pcb, ops->broken);
    tcp_poll(pcb, ops->polled, POLL_TICKS);
}

bool server_close(struct tcp_pcb *pcb)
{
    const struct connection_ops ops = {pcb->recv, pcb->sent, pcb->poll, pcb->errf};
    void *connection = pcb->callback_arg;

    /* Before the close, which frees a connection with data that nobody took. */
    server_attach(pcb, NULL, &(struct connection_ops){NULL, NULL, NULL, NULL});
    if (tcp_close(pcb) == ERR_OK)
        return true;
    server_attach(pcb, connection, &ops);
    return false;
}

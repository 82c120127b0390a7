/* SPDX-License-Identifier: MIT */
/* Ends with receive buffers posted and answers on their way: connections to the peer are opened,
 * and nobody waits for them. What arrives must find no buffer of a guest that is gone. */
#include "guest/args.h"
#include "guest/console.h"
#include "guest/net.h"
#include "guest/nic.h"
#include "guest/poll.h"
#include "guest/workload.h"
#include "lwip/etharp.h"
#include "lwip/tcp.h"

#define CONNECTIONS 16u

static bool gateway_answered(void *gateway)
{
    struct eth_addr *mac;
    const ip4_addr_t *ip;

    return etharp_find_addr(netif_default, gateway, &mac, &ip) >= 0;
}

static int run(void)
{
    char text[40];
    ip_addr_t address;
    u16_t port;

    net_start();
    args_text("peer", "10.0.2.2:4600", text, sizeof(text));
    net_parse_endpoint(text, &address, &port);
    /* Its hardware address first, so that the connections leave at once. */
    etharp_request(netif_default, netif_ip4_gw(netif_default));
    poll_until(gateway_answered, (void *)(uintptr_t)netif_ip4_gw(netif_default), "the gateway");
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        if (tcp_connect(tcp_new(), &address, port, NULL) != ERR_OK)
            fail("probe_late: cannot open a connection to %s", text);
    }
    nic_flush();
    say("probe_late: %u receive buffers posted, %u answers to come, and the guest ends",
        NIC_RX_POSTED, CONNECTIONS);
    return 0;
}

const struct workload probe_late = {"probe_late", run};

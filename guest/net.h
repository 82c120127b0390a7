/* SPDX-License-Identifier: MIT */
/* lwIP on the NIC, without a copy in either direction. */
#ifndef GUEST_NET_H
#define GUEST_NET_H

#include <stdbool.h>
#include "lwip/ip_addr.h"

/* Starts the NIC and the stack with the arguments ip=A.B.C.D/N and gw=. */
void net_start(void);
bool net_is_up(void);

/* "A.B.C.D:PORT". Ends the guest when it is not that. */
void net_parse_endpoint(const char *text, ip_addr_t *address, u16_t *port);

#endif

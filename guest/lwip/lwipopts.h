/* SPDX-License-Identifier: MIT */
/* lwIP for one polling core: raw API, IPv4, TCP with large windows, nothing copied. */
#ifndef GUEST_LWIP_LWIPOPTS_H
#define GUEST_LWIP_LWIPOPTS_H

#define NO_SYS                   1
#define SYS_LIGHTWEIGHT_PROT     0
#define LWIP_NETCONN             0
#define LWIP_SOCKET              0
#define LWIP_STATS               0
#define LWIP_RAW                 1
#define LWIP_SUPPORT_CUSTOM_PBUF 1

/* The heap holds headers only; payload is sent from where it lies. Small, so that the device sees
 * few pages of it. */
#define MEM_ALIGNMENT         8
#define MEM_SIZE              (64 * 1024)
#define LWIP_RAM_HEAP_POINTER guest_lwip_heap
#define PBUF_POOL_SIZE        0

#define MEMP_NUM_PBUF    2048
#define MEMP_NUM_TCP_SEG 2048
#define MEMP_NUM_TCP_PCB 320
#define MEMP_NUM_UDP_PCB 4

#define IP_REASSEMBLY 0
#define IP_FRAG       0

#define TCP_MSS          1460
#define LWIP_WND_SCALE   1
#define TCP_RCV_SCALE    3
#define TCP_WND          (256 * 1024)
#define TCP_SND_BUF      (256 * 1024)
#define TCP_SND_QUEUELEN 512
#define TCP_SNDLOWAT     (32 * 1024)
#define TCP_OVERSIZE     0
/* A peer's gaps must not keep the receive pool from the device. */
#define TCP_OOSEQ_MAX_PBUFS 512

#endif

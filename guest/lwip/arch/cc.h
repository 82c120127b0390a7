/* SPDX-License-Identifier: MIT */
/* What lwIP asks of the compiler and the platform. */
#ifndef GUEST_LWIP_ARCH_CC_H
#define GUEST_LWIP_ARCH_CC_H

#include <stddef.h>
#include <stdint.h>
#include "guest/checksum.h"
#include "guest/console.h"

#define LWIP_NO_INTTYPES_H 1
#define LWIP_NO_LIMITS_H   1
#define LWIP_NO_CTYPE_H    1
#define LWIP_NO_UNISTD_H   1
#define SSIZE_MAX          INT64_MAX
typedef int64_t ssize_t;

#define X8_F  "x"
#define U16_F "u"
#define S16_F "d"
#define X16_F "x"
#define U32_F "u"
#define S32_F "d"
#define X32_F "x"
#define SZT_F "zu"

#define LWIP_PLATFORM_DIAG(message)   lwip_say message
#define LWIP_PLATFORM_ASSERT(message) fail("lwIP: %s (%s:%d)", message, __FILE__, __LINE__)
#define lwip_say(...)                 say(__VA_ARGS__)

/* First ports and sequence numbers come from the clock, not from the guest's seed: to whom a guest
 * that ended left a connection half open, the next one must not look like it. */
uint32_t guest_lwip_random(void);
uint32_t guest_lwip_isn(void);
#define LWIP_RAND()                                               guest_lwip_random()
#define LWIP_HOOK_TCP_ISN(local, local_port, remote, remote_port) guest_lwip_isn()

#define LWIP_CHKSUM checksum

/* Inline where the length is known: in a freestanding build memcpy() is always a call. */
#define MEMCPY(to, from, bytes)  __builtin_memcpy(to, from, bytes)
#define SMEMCPY(to, from, bytes) __builtin_memcpy(to, from, bytes)

/* The heap whose pages the device reads frames from; netif_start() makes it. */
extern uint8_t *guest_lwip_heap;

#endif

/* SPDX-License-Identifier: MIT */
/* The guest's arguments: "work=tcp_rx,bytes=64M,peer=10.0.2.2:4600". */
#ifndef GUEST_ARGS_H
#define GUEST_ARGS_H

#include <stddef.h>
#include <stdint.h>

/* The value of key, cut to size, or otherwise where there is no such key. */
void args_text(const char *key, const char *otherwise, char *to, size_t size);

/* Decimal or 0x..., with K, M or G after it. Ends the guest on anything else. */
uint64_t args_number(const char *key, uint64_t otherwise);

#endif

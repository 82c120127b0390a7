/* SPDX-License-Identifier: MIT */
#ifndef GUEST_CHECKSUM_H
#define GUEST_CHECKSUM_H

#include <stdint.h>

/* The Internet checksum's sum (RFC 1071) over little-endian 16-bit words, folded to 16 bits and not
 * inverted. An odd last byte counts as if a 0 followed. */
uint16_t checksum(const void *data, int bytes);

#endif

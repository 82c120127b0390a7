/* SPDX-License-Identifier: MIT */
/* The bytes of every checked stream: 4 MiB, little-endian 32-bit word i = i * 0x9e3779b1 mod 2^32,
 * over and over. */
#ifndef GUEST_PATTERN_H
#define GUEST_PATTERN_H

#include <stddef.h>
#include <stdint.h>

#define PATTERN_BYTES (4u << 20)

/* Page-aligned; made at the first call. */
const uint8_t *pattern(void);

/* How many of the bytes are what a stream has from offset on; = bytes when all are. */
size_t pattern_match(uint64_t offset, const uint8_t *data, size_t bytes);

/* Equal leading bytes of a and b. */
size_t equal_bytes(const uint8_t *a, const uint8_t *b, size_t bytes);

#endif

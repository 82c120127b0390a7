/* SPDX-License-Identifier: MIT */
#include "guest/checksum.h"

#include "guest/load64.h"

/* Halves of 64-bit words into 64-bit sums: no carry is lost below 2^32 words, and one's complement
 * sums don't care where a carry is added. */
uint16_t checksum(const void *data, int bytes)
{
    const uint8_t *at = data;
    uint64_t low = 0, high = 0;

    for (; bytes >= 8; at += 8, bytes -= 8) {
        uint64_t word = load64(at);
        low += (uint32_t)word;
        high += word >> 32;
    }
    for (unsigned shift = 0; bytes > 0; at++, bytes--, shift += 8)
        low += (uint64_t)*at << shift;
    low += high;
    while (low >> 16)
        low = (low & 0xffff) + (low >> 16);
    return (uint16_t)low;
}

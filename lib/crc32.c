/* SPDX-License-Identifier: MIT */
#include "lib/crc32.h"

#define CRC32_POLYNOMIAL 0xedb88320u /* reflected */

uint32_t crc32(const void *data, size_t bytes)
{
    const uint8_t *p = data;
    uint32_t crc = ~0u;

    /* Bit by bit: it runs over a few hundred bytes a record, where a table would cost more cache
     * than it saves. */
    for (size_t i = 0; i < bytes; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (crc & 1 ? CRC32_POLYNOMIAL : 0);
    }
    return ~crc;
}

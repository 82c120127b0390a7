/* SPDX-License-Identifier: MIT */
/* CRC-32 of IEEE 802.3 (reflected, polynomial 0xedb88320), as zlib and Python's zlib.crc32 give. */
#ifndef LIB_CRC32_H
#define LIB_CRC32_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32(const void *data, size_t bytes);

#endif

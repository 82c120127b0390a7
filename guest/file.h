/* SPDX-License-Identifier: MIT */
/* A large file in memory, as a page cache has it: its pages lie anywhere. Its 32-bit little-endian
 * word i is i * 0x9e3779b1 mod 2^32. */
#ifndef GUEST_FILE_H
#define GUEST_FILE_H

#include <stdint.h>

/* Once; bytes is a multiple of 4, not 0. Where its pages lie follows from seed=. */
void file_make(uint64_t bytes);

/* The byte at offset, inside the file, and in *run how many follow it in one piece. */
const uint8_t *file_at(uint64_t offset, uint64_t *run);

#endif

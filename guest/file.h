/* SPDX-License-Identifier: MIT */
/* A large file in memory, as a page cache has it: its pages lie anywhere. It holds
 * guest/pattern.h's bytes lap after lap, each lap 1,021 words further on than the one before it, so
 * that no two of its pages are the same. */
#ifndef GUEST_FILE_H
#define GUEST_FILE_H

#include <stdint.h>

/* Once; bytes is a multiple of 4, not 0. Where its pages lie follows from seed=. */
void file_make(uint64_t bytes);

/* The byte at offset, inside the file, and in *run how many follow it in one piece. */
const uint8_t *file_at(uint64_t offset, uint64_t *run);

#endif

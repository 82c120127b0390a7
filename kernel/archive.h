/* SPDX-License-Identifier: MIT */
/*
 * The records of this boot, kept in memory so that a reader whose serial line lost some can ask for
 * them again. The oldest go when room is short. Pure.
 */
#ifndef KERNEL_ARCHIVE_H
#define KERNEL_ARCHIVE_H

#include <stddef.h>
#include <stdint.h>

/* Takes memory of so many bytes for good; 0 bytes: nothing is kept. */
void archive_init(void *memory, size_t bytes);
/* Keeps the next record, a text; the first has sequence number 1. */
void archive_add(const char *text);
/* The first and last that are there; last < first: none. */
void archive_range(uint64_t *first, uint64_t *last);
/* Copies record number sequence into to; NULL when it is not there or has size bytes or more. */
const char *archive_get(uint64_t sequence, char *to, size_t size);

#endif

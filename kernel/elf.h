/* SPDX-License-Identifier: MIT */
/* The guest image: a static-PIE ELF64, checked field by field before a byte of it is placed. Pure.
 */
#ifndef KERNEL_ELF_H
#define KERNEL_ELF_H

#include <stddef.h>
#include <stdint.h>

#define ELF_MAX_SEGMENTS 16

struct elf_segment {
    uint64_t file_offset, file_bytes; /* inside the image, checked */
    uint64_t address,
        memory_bytes; /* from the load base on; checked against overlap and overflow */
    uint32_t flags;   /* PF_X 1, PF_W 2, PF_R 4 */
};

struct elf_image {
    uint64_t entry;        /* from the load base on; inside an executable segment */
    uint64_t memory_bytes; /* from the load base to the end of the last segment, page-rounded */
    uint32_t segments;
    struct elf_segment segment[ELF_MAX_SEGMENTS];
};

/* -ENOEXEC with *why in words (static text). limit: bytes the image may take in memory. */
int elf_check(const void *image, uint64_t bytes, uint64_t limit, struct elf_image *out,
              const char **why);

#endif

/* SPDX-License-Identifier: MIT */
/* Builds a small static-PIE ELF64 by the offsets of the System V ABI: code, constants and data with
 * zeroes behind it, and a dynamic section. */
#ifndef TESTS_HOST_ELVES_H
#define TESTS_HOST_ELVES_H

#include <stdint.h>
#include <string.h>

#define ELF_BYTES  0x2180u
#define ELF_PHDRS  5
#define ELF_LIMIT  0x100000u
#define ELF_MEMORY 0x6000u

static inline void elf_put(uint8_t *image, uint32_t at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        image[at + i] = (uint8_t)(value >> (8 * i));
}

static inline uint32_t elf_phdr_at(uint32_t index)
{
    return 64 + 56 * index;
}

static inline void elf_phdr(uint8_t *image, uint32_t index, uint32_t type, uint32_t flags,
                            uint64_t offset, uint64_t address, uint64_t file, uint64_t memory)
{
    uint32_t at = elf_phdr_at(index);

    elf_put(image, at, type, 4);
    elf_put(image, at + 4, flags, 4);
    elf_put(image, at + 8, offset, 8);
    elf_put(image, at + 16, address, 8);
    elf_put(image, at + 24, address, 8);
    elf_put(image, at + 32, file, 8);
    elf_put(image, at + 40, memory, 8);
    elf_put(image, at + 48, type == 1 ? 4096 : 8, 8);
}

static inline void elf_build(uint8_t image[ELF_BYTES])
{
    memset(image, 0, ELF_BYTES);
    memcpy(image, "\177ELF\2\1\1", 7);
    elf_put(image, 16, 3, 2);      /* ET_DYN */
    elf_put(image, 18, 62, 2);     /* x86-64 */
    elf_put(image, 20, 1, 4);      /* version */
    elf_put(image, 24, 0x1010, 8); /* entry */
    elf_put(image, 32, 64, 8);     /* program headers */
    elf_put(image, 52, 64, 2);     /* this header's bytes */
    elf_put(image, 54, 56, 2);     /* a program header's */
    elf_put(image, 56, ELF_PHDRS, 2);
    elf_phdr(image, 0, 1, 4, 0, 0, 0x200, 0x200);
    elf_phdr(image, 1, 1, 5, 0x1000, 0x1000, 0x234, 0x234);
    elf_phdr(image, 2, 1, 6, 0x2080, 0x3080, 0x100, 0x2100);
    elf_phdr(image, 3, 2, 6, 0x20c0, 0x30c0, 0x30, 0x30);
    elf_phdr(image, 4, 0x6474e551, 6, 0, 0, 0, 0); /* GNU_STACK */
    elf_put(image, 0x20c0, 7, 8);                  /* DT_RELA */
    elf_put(image, 0x20d0, 8, 8);                  /* DT_RELASZ */
}

#endif

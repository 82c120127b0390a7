/* SPDX-License-Identifier: MIT */
/* Applies the image's own relocations: with hidden symbols and a static link only the relative kind
 * is left (System V ABI, AMD64 supplement, section 4.4.1). Runs before any pointer in data is
 * right, so it may use none. */
#include <stddef.h>
#include <stdint.h>

struct elf64_dyn {
    uint64_t tag, value;
};

struct elf64_rela {
    uint64_t offset, info;
    int64_t addend;
};

#define DT_NULL           0u
#define DT_RELA           7u
#define DT_RELASZ         8u
#define R_X86_64_RELATIVE 8u

void relocate(uint64_t base, const struct elf64_dyn *dynamic);

void relocate(uint64_t base, const struct elf64_dyn *dynamic)
{
    const struct elf64_rela *rela = NULL;
    uint64_t bytes = 0;

    for (; dynamic->tag != DT_NULL; dynamic++) {
        if (dynamic->tag == DT_RELA)
            rela = (const struct elf64_rela *)(base + dynamic->value);
        if (dynamic->tag == DT_RELASZ)
            bytes = dynamic->value;
    }
    for (uint64_t i = 0; rela && i < bytes / sizeof(*rela); i++) {
        if ((uint32_t)rela[i].info != R_X86_64_RELATIVE)
            __builtin_trap(); /* the hypervisor reports a crash at this address */
        *(uint64_t *)(base + rela[i].offset) = base + (uint64_t)rela[i].addend;
    }
}

/* SPDX-License-Identifier: MIT */
#include "tests/host/low_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Below AddressSanitizer's shadow, which begins at 0x7fff8000. */
#define BASE  0x10000000ul
#define GUARD 4096u

uint8_t *low_memory_end(void)
{
    static uint8_t *end;
    void *base;

    if (end != NULL)
        return end;
    base = mmap((void *)BASE, LOW_MEMORY_BYTES + GUARD, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (base != (void *)BASE || mprotect((uint8_t *)base + LOW_MEMORY_BYTES, GUARD, PROT_NONE)) {
        perror("low_memory: no memory below 4 GiB");
        abort();
    }
    end = (uint8_t *)base + LOW_MEMORY_BYTES;
    return end;
}

/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"
#include "tests/host/elves.h"
#include "tests/host/valid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static const uint64_t limits[] = {ELF_LIMIT, 0, ELF_MEMORY - 1, UINT64_MAX};
    struct elf_image image;
    const char *why;

    for (int i = 0; i < 4; i++) {
        why = NULL;
        if (elf_check(data, bytes, limits[i], &image, &why) == 0)
            HOLDS(elf_is_valid(&image, bytes, limits[i]));
        else
            HOLDS(why != NULL && why[0] != 0);
    }
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* A multiboot2 structure, which is whole in itself; multiboot1 is pointers, which have to be right.
 */
#include <string.h>
#include "kernel/bootinfo.h"
#include "tests/fuzz/fuzz.h"
#include "tests/host/low_memory.h"

#define MULTIBOOT2 0x36d76289u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct boot_info info;
    uint32_t total = (uint32_t)bytes & ~7u;
    uint8_t *at = low_memory_end() - total;

    if (total < 8 || total > LOW_MEMORY_BYTES)
        return 0;
    memcpy(at, data, total);
    memcpy(at, &total, sizeof total);
    (void)boot_info_read(MULTIBOOT2, (uint32_t)(uintptr_t)at, &info);
    HOLDS(info.ranges <= BOOT_MAX_RANGES && info.modules <= BOOT_MAX_MODULES);
    HOLDS(memchr(info.cmdline, 0, sizeof info.cmdline) != NULL);
    for (uint32_t i = 0; i < info.ranges; i++)
        HOLDS(info.range[i].bytes <= UINT64_MAX - info.range[i].base.v &&
              info.range[i].type >= BOOT_RAM && info.range[i].type <= BOOT_BAD);
    for (uint32_t i = 0; i < info.modules; i++)
        HOLDS(memchr(info.module[i].name, 0, sizeof info.module[i].name) != NULL);
    return 0;
}

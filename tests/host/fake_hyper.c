/* SPDX-License-Identifier: MIT */
#include "tests/host/fake_hyper.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "guest/console.h"
#include "guest/hyper.h"

struct fake_hyper fake_hyper;
const struct abi_boot *boot;

static struct abi_boot structure;
static uint8_t ram[FAKE_PAGES * 4096] __attribute__((aligned(4096)));
static uint32_t table[FAKE_PAGES];
static struct abi_dma_desc ring[ABI_DMA_BURST];

void fake_hyper_reset(void)
{
    memset(&fake_hyper, 0, sizeof(fake_hyper));
    memset(table, 0, sizeof(table));
    memset(ring, 0, sizeof(ring));
    structure = (struct abi_boot){.magic = ABI_MAGIC,
                                  .version = ABI_VERSION,
                                  .ram_base = (uintptr_t)ram,
                                  .ram_bytes = sizeof(ram),
                                  .heap_base = (uintptr_t)ram,
                                  .heap_bytes = sizeof(ram),
                                  .dma_table = (uintptr_t)table,
                                  .dma_ring = (uintptr_t)ring};
    boot = &structure;
}

void fake_hyper_args(const char *args)
{
    strncpy(structure.args, args, sizeof(structure.args) - 1);
}

uint64_t fake_page(uint32_t index)
{
    return (uintptr_t)ram + index * 4096ull;
}

uint32_t *fake_word(uint32_t index)
{
    return &table[index];
}

const struct abi_dma_desc *fake_desc(uint32_t index)
{
    return &ring[index];
}

static int64_t map(uint64_t descs)
{
    fake_hyper.calls++;
    fake_hyper.last_descs = descs;
    if (fake_hyper.map_error)
        return fake_hyper.map_error;
    for (uint64_t i = 0; i < descs; i++) {
        uint64_t first = (ring[i].page - (uintptr_t)ram) / 4096;

        for (uint64_t page = first; page < first + ring[i].pages; page++)
            table[page] |= ring[i].rights;
        fake_hyper.pages += ring[i].pages;
    }
    return 0;
}

int64_t hyper_call(uint64_t number, uint64_t first, uint64_t second)
{
    (void)second;
    return number == ABI_DMA_MAP ? map(first) : number == ABI_DMA_INIT ? 0 : -ENOSYS;
}

void say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(fake_hyper.said, sizeof(fake_hyper.said), format, args);
    va_end(args);
}

_Noreturn void fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(fake_hyper.said, sizeof(fake_hyper.said), format, args);
    va_end(args);
    longjmp(fake_hyper.failed, 1);
}

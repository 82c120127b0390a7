/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include "kernel/layout.h"
#include "kernel/panic.h"
#include "kernel/symbol.h"

const char *symbol_find(uint64_t address, uint64_t *offset)
{
    uint32_t low = 0, high = symbols_count;

    if (address < (uint64_t)image_start || address >= (uint64_t)text_end)
        return NULL;
    /* The answer is in [low, high), and symbols[low] is at or below address or low is 0. */
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (symbols[middle].address <= address)
            low = middle;
        else
            high = middle;
    }
    if (high == 0 || symbols[low].address > address)
        return NULL;
    *offset = address - symbols[low].address;
    return symbol_names + symbols[low].name;
}

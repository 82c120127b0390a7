/* SPDX-License-Identifier: MIT */
/* The image's own table of functions, which tools/mksymbols makes of the first link. */
#ifndef KERNEL_SYMBOL_H
#define KERNEL_SYMBOL_H

#include <stdint.h>

struct symbol {
    uint32_t address; /* of its first byte: the image lies below 4 GiB */
    uint32_t name;    /* offset in symbol_names */
};

/* Ascending. After the last one an end mark follows that symbols_count does not count. */
extern const struct symbol symbols[] __attribute__((section(".symbols")));
extern const uint32_t symbols_count __attribute__((section(".symbols")));
extern const char symbol_names[] __attribute__((section(".symbols")));

#endif

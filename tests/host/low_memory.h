/* SPDX-License-Identifier: MIT */
/* Memory with 32-bit addresses, as a boot loader's is, before a page that cannot be read. */
#ifndef TESTS_HOST_LOW_MEMORY_H
#define TESTS_HOST_LOW_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#define LOW_MEMORY_BYTES 65536u

/* Its end: structures are put so that they end here. Maps it when first called. */
uint8_t *low_memory_end(void);

#endif

/* SPDX-License-Identifier: MIT */
/* Physical memory in pieces, behind acpi_map. What acpi_map returns is a copy of just the bytes
 * asked for: one byte read beyond them is seen by AddressSanitizer. */
#ifndef TESTS_HOST_FAKE_MEMORY_H
#define TESTS_HOST_FAKE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* data stays the caller's and is read at each acpi_map. */
void fake_memory_add(uint64_t base, const void *data, size_t bytes);
/* Forgets all pieces and takes back what acpi_map gave. */
void fake_memory_reset(void);

#endif

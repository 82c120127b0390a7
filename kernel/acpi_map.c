/* SPDX-License-Identifier: MIT */
#include "kernel/acpi.h"
#include "kernel/mem.h"

const void *acpi_map(hpa_t p, uint64_t bytes)
{
    return map_firmware(p, bytes);
}

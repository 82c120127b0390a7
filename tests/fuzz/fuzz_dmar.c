/* SPDX-License-Identifier: MIT */
/* A whole table, its checksum taken as right. */
#include "kernel/acpi.h"
#include "tests/fuzz/fuzz.h"
#include "tests/host/valid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct acpi_dmar dmar;
    char error[ACPI_ERROR_TEXT] = "";

    if (acpi_parse_dmar(data, (uint32_t)bytes, &dmar, error) == 0)
        HOLDS(dmar_is_valid(&dmar));
    else
        HOLDS(error[0] != 0 && dmar.units == 0);
    return 0;
}

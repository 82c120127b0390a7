/* SPDX-License-Identifier: MIT */
/* Physical memory from the RSDP on: an RSDP at 0, a root table at 0x40, a table at 0x100, others
 * anywhere. Their checksums are put right, or the fuzzer would not get behind them. */
#include <string.h>
#include "kernel/acpi.h"
#include "tests/fuzz/fuzz.h"
#include "tests/host/fake_memory.h"
#include "tests/host/valid.h"

#define BASE 0x100000u

static void put_right(uint8_t *at, size_t left, uint32_t length, uint32_t checksum)
{
    uint8_t sum = 0;

    if (length > left || checksum >= length)
        return;
    at[checksum] = 0;
    for (uint32_t i = 0; i < length; i++)
        sum = (uint8_t)(sum + at[i]);
    at[checksum] = (uint8_t)-sum;
}

static void put_table_right(uint8_t *memory, size_t bytes, uint32_t at)
{
    uint32_t length;

    if (bytes < at + 36)
        return;
    memcpy(&length, memory + at + 4, 4);
    put_right(memory + at, bytes - at, length, 9);
}

static void read_tables(char *error)
{
    static const char *const signatures[] = {"APIC", "MCFG", "DMAR"};
    static struct acpi_madt madt;
    static struct acpi_mcfg mcfg;
    static struct acpi_dmar dmar;

    for (int i = 0; i < 3; i++) {
        const void *table;
        uint32_t bytes;

        if (acpi_find(signatures[i], &table, &bytes, error) != 0)
            continue;
        if (i == 0 && acpi_parse_madt(table, bytes, &madt, error) == 0)
            HOLDS(madt_is_valid(&madt));
        if (i == 1 && acpi_parse_mcfg(table, bytes, &mcfg, error) == 0)
            HOLDS(mcfg_is_valid(&mcfg));
        if (i == 2 && acpi_parse_dmar(table, bytes, &dmar, error) == 0)
            HOLDS(dmar_is_valid(&dmar));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    char error[ACPI_ERROR_TEXT] = "";
    uint8_t *memory;

    if (bytes < 36)
        return 0;
    memory = malloc(bytes);
    HOLDS(memory != NULL);
    memcpy(memory, data, bytes);
    put_right(memory, bytes, 20, 8);
    put_right(memory, bytes, 36, 32);
    put_table_right(memory, bytes, 0x40);
    put_table_right(memory, bytes, 0x100);
    fake_memory_add(BASE, memory, bytes);
    if (acpi_init(hpa(BASE), error) == 0)
        read_tables(error);
    else
        HOLDS(error[0] != 0);
    fake_memory_reset();
    free(memory);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * ACPI tables, read once and copied out: RSDP, RSDT/XSDT, MADT, MCFG, DMAR (ACPI 6.4 chapter 5;
 * VT-d specification chapter 8). Pure: memory is reached through acpi_map, so that the same code
 * runs on the host under a fuzzer. Every length and checksum is checked; what is wrong is named in
 * words in the error text.
 */
#ifndef KERNEL_ACPI_H
#define KERNEL_ACPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "kernel/addr.h"

#define ACPI_MAX_CPUS   64
#define ACPI_MAX_ECAM   16
#define ACPI_MAX_UNITS  16
#define ACPI_MAX_RMRR   32
#define ACPI_MAX_SCOPES 32
#define ACPI_ERROR_TEXT 160

struct acpi_madt {
    hpa_t local_apic;
    uint32_t cpus;
    uint32_t apic_id[ACPI_MAX_CPUS]; /* enabled ones, xAPIC and x2APIC entries */
};

struct acpi_ecam {
    hpa_t base;
    uint16_t segment;
    uint8_t first_bus, last_bus;
};

struct acpi_mcfg {
    uint32_t count;
    struct acpi_ecam ecam[ACPI_MAX_ECAM];
};

enum acpi_scope_type {
    ACPI_SCOPE_ENDPOINT = 1,
    ACPI_SCOPE_BRIDGE = 2,
    ACPI_SCOPE_IOAPIC = 3,
    ACPI_SCOPE_HPET = 4,
    ACPI_SCOPE_NAMESPACE = 5
};

struct acpi_scope {
    uint8_t type, id, bus;
    uint8_t hops;       /* path length; bridges to cross = hops - 1 */
    uint8_t path[8][2]; /* device, function */
};

struct acpi_drhd {
    hpa_t registers;
    uint16_t segment;
    bool include_all;
    uint32_t scopes;
    struct acpi_scope scope[ACPI_MAX_SCOPES];
};

struct acpi_rmrr {
    hpa_t base, end; /* end is exclusive */
    uint16_t segment;
    uint32_t scopes;
    struct acpi_scope scope[ACPI_MAX_SCOPES];
};

struct acpi_dmar {
    uint8_t host_address_width; /* bits */
    bool interrupt_remapping, x2apic_opt_out;
    uint32_t units, rmrrs;
    struct acpi_drhd unit[ACPI_MAX_UNITS];
    struct acpi_rmrr rmrr[ACPI_MAX_RMRR];
};

/* Makes bytes at physical p readable; NULL when they cannot be. Kernel: map_firmware. Host tests: a
 * buffer. */
const void *acpi_map(hpa_t p, uint64_t bytes);

/* rsdp 0: scans the EBDA and 0xe0000-0xfffff. -ENOENT, -EBADMSG; error gets words. Remembers the
 * root table. */
int acpi_init(hpa_t rsdp, char error[ACPI_ERROR_TEXT]);

/* The whole table with this signature: -ENOENT, -EBADMSG (length, checksum). *table stays valid. On
 * -EBADMSG, *table and *bytes are what could be read, to be dumped. */
int acpi_find(const char signature[4], const void **table, uint32_t *bytes,
              char error[ACPI_ERROR_TEXT]);

int acpi_parse_madt(const void *table, uint32_t bytes, struct acpi_madt *out,
                    char error[ACPI_ERROR_TEXT]);
int acpi_parse_mcfg(const void *table, uint32_t bytes, struct acpi_mcfg *out,
                    char error[ACPI_ERROR_TEXT]);
int acpi_parse_dmar(const void *table, uint32_t bytes, struct acpi_dmar *out,
                    char error[ACPI_ERROR_TEXT]);

#endif

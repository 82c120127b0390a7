/* SPDX-License-Identifier: MIT */
/* Layouts of the ACPI tables as firmware leaves them in memory: unaligned, untrusted, to be read
 * through the const pointers of kernel/acpi.c and kernel/dmar.c only. */
#ifndef KERNEL_ACPI_TABLE_H
#define KERNEL_ACPI_TABLE_H

#include <stdint.h>
#include "kernel/acpi.h"

/* Every table begins so (ACPI 6.4 section 5.2.6). */
struct acpi_header {
    char signature[4];
    uint32_t length; /* the whole table's */
    uint8_t revision, checksum;
    char oem[6], oem_table[8];
    uint32_t oem_revision, creator, creator_revision;
} __attribute__((packed));

/* ACPI 6.4 section 5.2.5.3. Revision 0 ends before length. */
struct acpi_rsdp {
    char signature[8];
    uint8_t checksum; /* of the first ACPI_RSDP_V1_BYTES */
    char oem[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t length;
    uint64_t xsdt;
    uint8_t extended_checksum; /* of length bytes */
    uint8_t reserved[3];
} __attribute__((packed));

#define ACPI_RSDP_V1_BYTES 20

/* ACPI 6.4 section 5.2.12. */
struct acpi_madt_table {
    struct acpi_header header;
    uint32_t local_apic, flags;
} __attribute__((packed));

struct acpi_madt_entry {
    uint8_t type, length;
} __attribute__((packed));

struct acpi_madt_apic { /* type 0 */
    struct acpi_madt_entry entry;
    uint8_t processor, id;
    uint32_t flags;
} __attribute__((packed));

struct acpi_madt_override { /* type 5 */
    struct acpi_madt_entry entry;
    uint16_t reserved;
    uint64_t local_apic;
} __attribute__((packed));

struct acpi_madt_x2apic { /* type 9 */
    struct acpi_madt_entry entry;
    uint16_t reserved;
    uint32_t id, flags, processor;
} __attribute__((packed));

/* PCI Firmware Specification 3.2 section 4.1.2. */
struct acpi_mcfg_table {
    struct acpi_header header;
    uint64_t reserved;
} __attribute__((packed));

struct acpi_mcfg_entry {
    uint64_t base; /* of bus 0, whatever first_bus says */
    uint16_t segment;
    uint8_t first_bus, last_bus;
    uint32_t reserved;
} __attribute__((packed));

/* VT-d specification 3.x section 8.1. */
struct acpi_dmar_table {
    struct acpi_header header;
    uint8_t width; /* host address width - 1 */
    uint8_t flags;
    uint8_t reserved[10];
} __attribute__((packed));

struct acpi_dmar_entry {
    uint16_t type, length;
} __attribute__((packed));

struct acpi_dmar_drhd { /* section 8.3 */
    struct acpi_dmar_entry entry;
    uint8_t flags, size;
    uint16_t segment;
    uint64_t registers;
} __attribute__((packed));

struct acpi_dmar_rmrr { /* section 8.4 */
    struct acpi_dmar_entry entry;
    uint16_t reserved, segment;
    uint64_t base, limit; /* limit is the last byte */
} __attribute__((packed));

struct acpi_dmar_atsr { /* section 8.5; SATC of 8.8 is laid out the same */
    struct acpi_dmar_entry entry;
    uint8_t flags, reserved;
    uint16_t segment;
} __attribute__((packed));

struct acpi_dmar_scope { /* section 8.3.1 */
    uint8_t type, length;
    uint8_t flags, reserved;
    uint8_t id, bus;
    uint8_t path[][2];
} __attribute__((packed));

_Static_assert(sizeof(struct acpi_header) == 36, "ACPI 5.2.6");
_Static_assert(sizeof(struct acpi_rsdp) == 36, "ACPI 5.2.5.3");
_Static_assert(sizeof(struct acpi_madt_table) == 44, "ACPI 5.2.12");
_Static_assert(sizeof(struct acpi_madt_apic) == 8, "ACPI 5.2.12.2");
_Static_assert(sizeof(struct acpi_madt_override) == 12, "ACPI 5.2.12.8");
_Static_assert(sizeof(struct acpi_madt_x2apic) == 16, "ACPI 5.2.12.12");
_Static_assert(sizeof(struct acpi_mcfg_table) == 44, "PCI firmware 4.1.2");
_Static_assert(sizeof(struct acpi_mcfg_entry) == 16, "PCI firmware 4.1.2");
_Static_assert(sizeof(struct acpi_dmar_table) == 48, "VT-d 8.1");
_Static_assert(sizeof(struct acpi_dmar_drhd) == 16, "VT-d 8.3");
_Static_assert(sizeof(struct acpi_dmar_rmrr) == 24, "VT-d 8.4");
_Static_assert(sizeof(struct acpi_dmar_atsr) == 8, "VT-d 8.5");
_Static_assert(sizeof(struct acpi_dmar_scope) == 6, "VT-d 8.3.1");

/* Puts words into error; returns -EBADMSG, so that callers can return it. */
int acpi_bad(char error[ACPI_ERROR_TEXT], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif

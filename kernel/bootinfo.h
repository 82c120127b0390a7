/* SPDX-License-Identifier: MIT */
/* What the boot loader says, the same from multiboot1 and multiboot2. */
#ifndef KERNEL_BOOTINFO_H
#define KERNEL_BOOTINFO_H

#include <stddef.h>
#include <stdint.h>
#include "kernel/addr.h"

#define BOOT_CMDLINE_BYTES 1024
#define BOOT_MAX_RANGES    128
#define BOOT_MAX_MODULES   8

enum boot_memory {
    BOOT_RAM = 1,
    BOOT_RESERVED = 2,
    BOOT_ACPI_RECLAIM = 3,
    BOOT_ACPI_NVS = 4,
    BOOT_BAD = 5
};

struct boot_range {
    hpa_t base;
    uint64_t bytes;
    enum boot_memory type;
};

struct boot_module {
    hpa_t base;
    uint64_t bytes;
    char name[256]; /* its own command line, cut */
};

struct boot_info {
    const char *loader; /* "multiboot1", "multiboot2" */
    char cmdline[BOOT_CMDLINE_BYTES];
    uint32_t ranges, modules;
    struct boot_range range[BOOT_MAX_RANGES];
    struct boot_module module[BOOT_MAX_MODULES];
    hpa_t rsdp; /* 0: scan the BIOS areas */
    hpa_t efi;  /* the EFI system table; 0: the firmware is a BIOS */
};

/* Copies everything out of the loader's structures. info: its physical address, identity-mapped
 * below 4 GiB by the entry code. -EINVAL for an unknown magic, -EBADMSG for lengths that cannot be,
 * -E2BIG for a command line, map or module list that does not fit; out then has what did. */
int boot_info_read(uint32_t magic, uint32_t info, struct boot_info *out);

#endif

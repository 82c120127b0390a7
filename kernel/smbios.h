/* SPDX-License-Identifier: MIT */
/*
 * What the firmware says about itself and the machine: SMBIOS structures of type 0 and 1 (SMBIOS
 * specification 3.x). For records only, so nothing of it is an error. Pure: memory is reached
 * through acpi_map.
 */
#ifndef KERNEL_SMBIOS_H
#define KERNEL_SMBIOS_H

#include "kernel/addr.h"

#define SMBIOS_TEXT 48

/* Each in printable ASCII that needs no escaping in a record, cut; "" when not said. */
struct smbios {
    char vendor[SMBIOS_TEXT], version[SMBIOS_TEXT]; /* the firmware's */
    char maker[SMBIOS_TEXT], product[SMBIOS_TEXT];  /* the machine's */
};

/* efi: the EFI system table, or 0 under a BIOS, where the entry point is searched for. */
void smbios_read(hpa_t efi, struct smbios *out);

/* Copies bytes of text up to a 0, as the fields above are. */
void smbios_text(char to[SMBIOS_TEXT], const char *from, uint64_t bytes);

#endif

/* SPDX-License-Identifier: MIT */
#include "kernel/smbios.h"

#include <string.h>
#include "kernel/acpi.h"

/* Where a BIOS has the entry point, on 16 bytes: SMBIOS 5.2. */
#define SCAN_BASE  0xf0000ull
#define SCAN_BYTES 0x10000u
#define SCAN_ALIGN 16u
#define TABLE_MAX  (64u << 10)

#define ENTRY32_BYTES 31u /* "_SM_" */
#define ENTRY64_BYTES 24u /* "_SM3_" */

/* UEFI 2.10, 4.3 and 4.6. */
#define EFI_BYTES       120u
#define EFI_CONFIGS     104u /* their number, then their address */
#define EFI_CONFIG      24u  /* bytes: a GUID, an address */
#define EFI_CONFIGS_MAX 64u

static const uint8_t guid64[16] = {0x44, 0x15, 0xfd, 0xf2, 0x94, 0x97, 0x2c, 0x4a,
                                   0x99, 0x2e, 0xe5, 0xbb, 0xcf, 0x20, 0xe3, 0x94};
static const uint8_t guid32[16] = {0x31, 0x2d, 0x9d, 0xeb, 0x88, 0x2d, 0xd3, 0x11,
                                   0x9a, 0x16, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d};

struct table {
    const uint8_t *data;
    uint32_t bytes;
};

static uint64_t number_at(const uint8_t *p, unsigned bytes)
{
    uint64_t n = 0;

    while (bytes-- > 0)
        n = n << 8 | p[bytes];
    return n;
}

void smbios_text(char to[SMBIOS_TEXT], const char *from, uint64_t bytes)
{
    unsigned used = 0;

    while (used < SMBIOS_TEXT - 1 && used < bytes && from[used] != 0) {
        char c = from[used];

        to[used++] = c >= ' ' && c <= '~' && c != '"' && c != '\\' ? c : '?';
    }
    while (used > 0 && to[used - 1] == ' ')
        used--;
    to[used] = 0;
}

/* The table that this entry point, which may be none, tells of. */
static struct table table_of(const uint8_t *entry, uint32_t bytes)
{
    struct table t = {NULL, 0};
    uint64_t at = 0;

    if (bytes >= ENTRY64_BYTES && memcmp(entry, "_SM3_", 5) == 0) {
        t.bytes = (uint32_t)number_at(entry + 12, 4); /* at most */
        at = number_at(entry + 16, 8);
    } else if (bytes >= ENTRY32_BYTES && memcmp(entry, "_SM_", 4) == 0 &&
               memcmp(entry + 16, "_DMI_", 5) == 0) {
        t.bytes = (uint32_t)number_at(entry + 22, 2);
        at = number_at(entry + 24, 4);
    }
    if (t.bytes > TABLE_MAX)
        t.bytes = TABLE_MAX;
    if (t.bytes > 0)
        t.data = acpi_map(hpa(at), t.bytes);
    return t;
}

static struct table find_in_bios(void)
{
    const uint8_t *area = acpi_map(hpa(SCAN_BASE), SCAN_BYTES);
    struct table t = {NULL, 0};

    for (uint32_t at = 0; area && !t.data && at < SCAN_BYTES; at += SCAN_ALIGN)
        t = table_of(area + at, SCAN_BYTES - at);
    return t;
}

static struct table find_by_efi(hpa_t system)
{
    const uint8_t *efi = acpi_map(system, EFI_BYTES), *configs;
    struct table t = {NULL, 0};
    uint64_t count = efi ? number_at(efi + EFI_CONFIGS, 8) : 0;

    if (count == 0 || count > EFI_CONFIGS_MAX)
        return t;
    configs = acpi_map(hpa(number_at(efi + EFI_CONFIGS + 8, 8)), count * EFI_CONFIG);
    for (uint64_t i = 0; configs && !t.data && i < count; i++) {
        const uint8_t *c = configs + i * EFI_CONFIG;
        bool is64 = memcmp(c, guid64, sizeof guid64) == 0;
        uint32_t bytes = is64 ? ENTRY64_BYTES : ENTRY32_BYTES;
        const uint8_t *entry;

        if (!is64 && memcmp(c, guid32, sizeof guid32) != 0)
            continue;
        entry = acpi_map(hpa(number_at(c + 16, 8)), bytes);
        if (entry)
            t = table_of(entry, bytes);
    }
    return t;
}

/* String number n of a structure whose strings begin at text; they end with the table at the
 * latest. */
static void take_string(char to[SMBIOS_TEXT], const uint8_t *text, const uint8_t *end, uint8_t n)
{
    for (; n > 1 && text < end && *text != 0; n--) {
        while (text < end && *text != 0)
            text++;
        text += text < end;
    }
    if (n == 1 && text < end)
        smbios_text(to, (const char *)text, (uint64_t)(end - text));
}

/* Behind the strings: two zeroes end them. */
static const uint8_t *behind_strings(const uint8_t *text, const uint8_t *end)
{
    while (end - text >= 2 && (text[0] != 0 || text[1] != 0))
        text++;
    return end - text >= 2 ? text + 2 : end;
}

void smbios_read(hpa_t efi, struct smbios *out)
{
    struct table t = efi.v ? find_by_efi(efi) : find_in_bios();
    const uint8_t *at = t.data, *end = t.data ? t.data + t.bytes : NULL;

    memset(out, 0, sizeof *out);
    /* A structure: type, length of what is before its strings, handle. */
    while (at && end - at >= 6 && at[1] >= 4 && at[1] <= end - at) {
        const uint8_t *text = at + at[1];

        if (at[0] == 0 && at[1] > 5) {
            take_string(out->vendor, text, end, at[4]);
            take_string(out->version, text, end, at[5]);
        } else if (at[0] == 1 && at[1] > 5) {
            take_string(out->maker, text, end, at[4]);
            take_string(out->product, text, end, at[5]);
        }
        at = behind_strings(text, end);
    }
}

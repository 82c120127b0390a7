/* SPDX-License-Identifier: MIT */
/* The firmware's own words, found under a BIOS and under UEFI, and damaged in every way. */
#include "kernel/smbios.h"

#include "tests/host/fake_memory.h"
#include "tests/host/random.h"
#include "tests/host/unit.h"

#define BIOS  0xf0000ull
#define TABLE 0x7f000000ull
#define EFI   0x7e000000ull
#define CONF  0x7e001000ull
#define ENTRY 0x7e002000ull

static uint8_t bios[0x10000], efi[120], configs[2 * 24], entry[24];
static uint8_t table[] = "\x02\x05\x00\x00\x01"
                         "board\0"
                         "\0"
                         "\x00\x06\x00\x00\x01\x02"
                         "Vendor\0"
                         "1.2 \"x\"\0"
                         "\0"
                         "\x01\x06\x00\x00\x02\x01"
                         "Box 9000 \0"
                         "Maker\0"
                         "\0"
                         "\x7f\x04\x00\x00"
                         "\0";
static struct smbios got;

static void put(uint8_t *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static void make_entry64(uint8_t *at)
{
    memcpy(at, "_SM3_", 5);
    put(at + 12, sizeof table, 4);
    put(at + 16, TABLE, 8);
}

static void check(void)
{
    assert_string_equal(got.vendor, "Vendor");
    assert_string_equal(got.version, "1.2 ?x?");
    assert_string_equal(got.maker, "Maker");
    assert_string_equal(got.product, "Box 9000");
}

static int begin(void **state)
{
    (void)state;
    fake_memory_reset();
    memset(bios, 0, sizeof bios);
    fake_memory_add(BIOS, bios, sizeof bios);
    fake_memory_add(TABLE, table, sizeof table);
    return 0;
}

static int end(void **state)
{
    (void)state;
    fake_memory_reset();
    return 0;
}

static void in_a_bios(void **state)
{
    (void)state;
    memcpy(bios + 0x50, "_SM_", 4);
    memcpy(bios + 0x60, "_DMI_", 5);
    put(bios + 0x50 + 22, sizeof table, 2);
    put(bios + 0x50 + 24, TABLE, 4);
    smbios_read(hpa(0), &got);
    check();
    memset(bios, 0, sizeof bios);
    make_entry64(bios + 0xffe0);
    smbios_read(hpa(0), &got);
    check();
}

static void under_uefi(void **state)
{
    static const uint8_t guid[16] = {0x44, 0x15, 0xfd, 0xf2, 0x94, 0x97, 0x2c, 0x4a,
                                     0x99, 0x2e, 0xe5, 0xbb, 0xcf, 0x20, 0xe3, 0x94};

    (void)state;
    put(efi + 104, 2, 8);
    put(efi + 112, CONF, 8);
    memcpy(configs + 24, guid, sizeof guid);
    put(configs + 40, ENTRY, 8);
    make_entry64(entry);
    fake_memory_add(EFI, efi, sizeof efi);
    fake_memory_add(CONF, configs, sizeof configs);
    fake_memory_add(ENTRY, entry, sizeof entry);
    smbios_read(hpa(EFI), &got);
    check();
    put(efi + 104, UINT64_MAX, 8);
    smbios_read(hpa(EFI), &got);
    assert_string_equal(got.vendor, "");
    smbios_read(hpa(0x1234000), &got); /* not readable */
    assert_string_equal(got.vendor, "");
}

static void none(void **state)
{
    (void)state;
    smbios_read(hpa(0), &got);
    assert_string_equal(got.vendor, "");
    assert_string_equal(got.product, "");
}

static void any_damage(void **state)
{
    uint64_t seed = 9;
    uint8_t good[sizeof table];

    (void)state;
    memcpy(good, table, sizeof table);
    for (int i = 0; i < 20000; i++) {
        make_entry64(bios);
        for (int n = 0; n < 3; n++) {
            uint32_t at = random_below(&seed, sizeof table);

            table[at] = random_damage(&seed, table[at]);
        }
        put(bios + 12, random_below(&seed, sizeof table + 4), 4);
        smbios_read(hpa(0), &got);
        for (size_t c = 0; c < strlen(got.version); c++)
            assert_true(got.version[c] >= ' ' && got.version[c] <= '~' && got.version[c] != '"');
        memcpy(table, good, sizeof table);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(in_a_bios, begin, end),
        cmocka_unit_test_setup_teardown(under_uefi, begin, end),
        cmocka_unit_test_setup_teardown(none, begin, end),
        cmocka_unit_test_setup_teardown(any_damage, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

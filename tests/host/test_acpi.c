/* SPDX-License-Identifier: MIT */
/* From the RSDP to a table: found, checked, and refused in words. */
#include <errno.h>
#include "kernel/acpi.h"
#include "tests/host/fake_memory.h"
#include "tests/host/random.h"
#include "tests/host/tables.h"
#include "tests/host/unit.h"

#define RSDT 0x7ff00000u
#define XSDT 0x17ff00000ull
#define MADT 0x7ff10000u
#define MCFG 0x17ff20000ull
#define EBDA 0x9fc00u

static uint8_t bios_data[0x500]; /* from 0 on; the EBDA's segment at 0x40e */
static uint8_t bios[0x20000], ebda[1024];
static struct table rsdt, xsdt, madt, mcfg;
static char error[ACPI_ERROR_TEXT];

/* A machine with all there may be: RSDT names the MADT, XSDT that and the MCFG. */
static int set_up(void **state)
{
    (void)state;
    memset(bios_data, 0, sizeof bios_data);
    memset(bios, 0, sizeof bios);
    memset(ebda, 0, sizeof ebda);
    memcpy(bios_data, "MCFG", 4); /* what an empty slot of the root leads to is no table */
    table_madt_board(&madt);
    table_mcfg_board(&mcfg);
    table_begin(&rsdt, "RSDT");
    table_put(&rsdt, MADT, 4);
    table_end(&rsdt);
    table_begin(&xsdt, "XSDT");
    table_put(&xsdt, 0, 8);
    table_put(&xsdt, MADT, 8);
    table_put(&xsdt, 0x6666666660, 8); /* nothing is there */
    table_put(&xsdt, MCFG, 8);
    table_end(&xsdt);
    table_rsdp(bios + 0x1230, RSDT, XSDT);
    fake_memory_add(0, bios_data, sizeof bios_data);
    fake_memory_add(0xe0000, bios, sizeof bios);
    fake_memory_add(EBDA, ebda, sizeof ebda);
    fake_memory_add(RSDT, rsdt.data, rsdt.bytes);
    fake_memory_add(XSDT, xsdt.data, xsdt.bytes);
    fake_memory_add(MADT, madt.data, madt.bytes);
    fake_memory_add(MCFG, mcfg.data, mcfg.bytes);
    error[0] = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fake_memory_reset();
    return 0;
}

static int find(const char *signature)
{
    const void *table;
    uint32_t bytes;

    return acpi_find(signature, &table, &bytes, error);
}

/* The MCFG is in the XSDT alone: which root is in use shows so. */
static void uses_xsdt(void)
{
    assert_int_equal(find("APIC"), 0);
    assert_int_equal(find("MCFG"), 0);
}

static void uses_rsdt(void)
{
    assert_int_equal(find("APIC"), 0);
    assert_int_equal(find("MCFG"), -ENOENT);
    assert_says(error, "MCFG");
}

static void scan_finds_it_in_the_bios(void **state)
{
    (void)state;
    assert_int_equal(acpi_init(hpa(0), error), 0);
    uses_xsdt();
}

static void scan_reaches_both_ends(void **state)
{
    (void)state;
    memset(bios, 0, sizeof bios);
    assert_int_equal(acpi_init(hpa(0), error), -ENOENT);
    assert_says(error, "acpi_rsdp=");
    table_rsdp(bios, RSDT, XSDT);
    assert_int_equal(acpi_init(hpa(0), error), 0);
    uses_xsdt();
    memset(bios, 0, sizeof bios);
    /* 32 bytes before the end: the first half is whole, the second is not. */
    table_rsdp(bios + sizeof bios - 36, RSDT, 0);
    memmove(bios + sizeof bios - 32, bios + sizeof bios - 36, 20);
    assert_int_equal(acpi_init(hpa(0), error), 0);
    uses_rsdt();
}

static void scan_keeps_to_16_bytes(void **state)
{
    (void)state;
    memset(bios, 0, sizeof bios);
    table_rsdp(bios + 0x1238, RSDT, XSDT);
    assert_int_equal(acpi_init(hpa(0), error), -ENOENT);
}

static void scan_goes_on_after_a_damaged_one(void **state)
{
    (void)state;
    table_rsdp(bios + 0x100, RSDT, 0);
    bios[0x110] ^= 1;
    assert_int_equal(acpi_init(hpa(0), error), 0);
    uses_xsdt();
    bios[0x1230 + 8] ^= 1;
    assert_int_equal(acpi_init(hpa(0), error), -EBADMSG);
    assert_says(error, "0xe1230");
    assert_says(error, "checksum");
}

static void scan_finds_it_in_the_ebda(void **state)
{
    (void)state;
    table_rsdp(ebda + 1024 - 48, RSDT, 0);
    assert_int_equal(acpi_init(hpa(0), error), 0);
    uses_xsdt(); /* no pointer to the EBDA: not looked at */
    bios_data[0x40e] = (EBDA >> 4) & 0xff;
    bios_data[0x40f] = EBDA >> 12;
    assert_int_equal(acpi_init(hpa(0), error), 0);
    uses_rsdt();
    ebda[1024 - 48 + 8] ^= 1;
    assert_int_equal(acpi_init(hpa(0), error), 0);
    uses_xsdt();
    memset(bios, 0, sizeof bios);
    assert_int_equal(acpi_init(hpa(0), error), -EBADMSG);
    assert_says(error, "checksum");
}

static void given_address(void **state)
{
    (void)state;
    assert_int_equal(acpi_init(hpa(0xe1230), error), 0);
    uses_xsdt();
    assert_int_equal(acpi_init(hpa(0xe1240), error), -EBADMSG);
    assert_says(error, "0xe1240");
    assert_int_equal(acpi_init(hpa(0x5550000000), error), -EBADMSG);
    assert_says(error, "cannot be read");
    /* A failed init leaves no root behind. */
    assert_int_equal(find("APIC"), -ENOENT);
}

/* A loader may hand over a copy of the first half of a later revision. */
static void given_half_an_rsdp(void **state)
{
    (void)state;
    fake_memory_add(0x900010, bios + 0x1230, 20);
    assert_int_equal(acpi_init(hpa(0x900010), error), 0);
    uses_rsdt();
}

static void damaged_second_half_falls_back(void **state)
{
    static const uint32_t lengths[] = {0, 20, 35, 4097, UINT32_MAX};
    struct table t = {.bytes = 0};

    (void)state;
    bios[0x1230 + 33] ^= 1; /* reserved: only the extended checksum covers it */
    assert_int_equal(acpi_init(hpa(0), error), 0);
    uses_rsdt();
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        table_rsdp(bios + 0x1230, RSDT, XSDT);
        table_set(&t, 0, lengths[i], 4);
        memcpy(bios + 0x1230 + 20, t.data, 4);
        assert_int_equal(acpi_init(hpa(0), error), 0);
        uses_rsdt();
        table_rsdp(bios + 0x1230, 0, XSDT);
        memcpy(bios + 0x1230 + 20, t.data, 4);
        assert_int_equal(acpi_init(hpa(0), error), -EBADMSG);
        assert_says(error, "length");
    }
}

static void no_root_at_all(void **state)
{
    (void)state;
    table_rsdp(bios + 0x1230, 0, 0);
    assert_int_equal(acpi_init(hpa(0), error), -EBADMSG);
    assert_says(error, "neither RSDT nor XSDT");
    table_rsdp(bios + 0x1230, 0x6660000, 0);
    assert_int_equal(acpi_init(hpa(0), error), -EBADMSG);
    assert_says(error, "0x6660000");
    table_rsdp(bios + 0x1230, MADT, 0); /* not an RSDT */
    assert_int_equal(acpi_init(hpa(0), error), -EBADMSG);
    assert_says(error, "RSDT: none at");
}

static void damaged_roots(void **state)
{
    (void)state;
    xsdt.data[40] ^= 1;
    assert_int_equal(acpi_init(hpa(0), error), 0);
    uses_rsdt();
    rsdt.data[36] ^= 1;
    assert_int_equal(acpi_init(hpa(0), error), -EBADMSG);
    assert_says(error, "RSDT");
    assert_says(error, "checksum");
}

static void part_of_an_address_is_no_table(void **state)
{
    (void)state;
    table_put(&xsdt, 0xffffff, 3);
    table_end(&xsdt);
    fake_memory_reset();
    fake_memory_add(0xe0000, bios, sizeof bios);
    fake_memory_add(XSDT, xsdt.data, xsdt.bytes);
    fake_memory_add(MADT, madt.data, madt.bytes);
    fake_memory_add(MCFG, mcfg.data, mcfg.bytes);
    assert_int_equal(acpi_init(hpa(0), error), 0);
    uses_xsdt();
}

static void find_gives_the_whole_table(void **state)
{
    const void *table;
    uint32_t bytes;

    (void)state;
    assert_int_equal(acpi_init(hpa(0), error), 0);
    assert_int_equal(acpi_find("MCFG", &table, &bytes, error), 0);
    assert_int_equal(bytes, mcfg.bytes);
    assert_memory_equal(table, mcfg.data, bytes);
    assert_int_equal(acpi_find("DMAR", &table, &bytes, error), -ENOENT);
    assert_null(table);
    assert_int_equal(bytes, 0);
}

/* What is damaged is given out as well, to be dumped. */
static void find_names_the_damage(void **state)
{
    const void *table;
    uint32_t bytes;

    (void)state;
    assert_int_equal(acpi_init(hpa(0), error), 0);
    mcfg.data[50] ^= 1;
    assert_int_equal(acpi_find("MCFG", &table, &bytes, error), -EBADMSG);
    assert_says(error, "checksum");
    assert_int_equal(bytes, mcfg.bytes);
    assert_memory_equal(table, mcfg.data, bytes);
    table_set(&mcfg, 4, 35, 4);
    assert_int_equal(acpi_find("MCFG", &table, &bytes, error), -EBADMSG);
    assert_says(error, "length 35");
    assert_int_equal(bytes, 36);
    assert_memory_equal(table, mcfg.data, bytes);
    table_set(&mcfg, 4, UINT32_MAX, 4);
    assert_int_equal(acpi_find("MCFG", &table, &bytes, error), -EBADMSG);
    assert_says(error, "length 4294967295");
    table_set(&mcfg, 4, mcfg.bytes + 1, 4); /* past the memory there is */
    assert_int_equal(acpi_find("MCFG", &table, &bytes, error), -EBADMSG);
    assert_says(error, "cannot be read");
    assert_int_equal(bytes, 36);
}

/* Damage anywhere: no crash, and what is given out is whole and sums to zero. */
static void any_damage(void **state)
{
    uint8_t *const areas[] = {bios + 0x1230, rsdt.data, xsdt.data, madt.data, mcfg.data};
    const uint32_t sizes[] = {36, rsdt.bytes, xsdt.bytes, madt.bytes, mcfg.bytes};
    uint64_t seed = 5;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        const char *signature = round & 1 ? "APIC" : "MCFG";
        const void *table;
        uint32_t bytes;
        uint8_t *bytes_hit[3], old[3];
        int hits = 1 + (int)random_below(&seed, 3);

        for (int i = 0; i < hits; i++) {
            uint32_t area = random_below(&seed, 5);

            bytes_hit[i] = areas[area] + random_below(&seed, sizes[area]);
            old[i] = *bytes_hit[i];
            *bytes_hit[i] = random_damage(&seed, old[i]);
        }
        error[0] = 0;
        if (acpi_init(hpa(0), error) != 0) {
            assert_true(error[0] != 0);
        } else if (acpi_find(signature, &table, &bytes, error) == 0) {
            assert_true(bytes >= 36);
            assert_memory_equal(table, signature, 4);
            assert_int_equal(table_sum(table, bytes), 0);
        }
        while (hits-- > 0)
            *bytes_hit[hits] = old[hits];
        if (round % 100 == 0) { /* takes back the copies */
            tear_down(NULL);
            set_up(NULL);
        }
    }
}

#define each(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        each(scan_finds_it_in_the_bios),
        each(scan_reaches_both_ends),
        each(scan_keeps_to_16_bytes),
        each(scan_goes_on_after_a_damaged_one),
        each(scan_finds_it_in_the_ebda),
        each(given_address),
        each(given_half_an_rsdp),
        each(damaged_second_half_falls_back),
        each(no_root_at_all),
        each(damaged_roots),
        each(part_of_an_address_is_no_table),
        each(find_gives_the_whole_table),
        each(find_names_the_damage),
        each(any_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

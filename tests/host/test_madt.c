/* SPDX-License-Identifier: MIT */
/* The two short tables: MADT and MCFG. */
#include <errno.h>
#include "kernel/acpi.h"
#include "tests/host/random.h"
#include "tests/host/tables.h"
#include "tests/host/unit.h"
#include "tests/host/valid.h"

static struct table t;
static struct acpi_madt madt;
static struct acpi_mcfg mcfg;
static char error[ACPI_ERROR_TEXT];

static int parse_madt(void)
{
    void *exact = exact_copy(t.data, t.bytes);
    int bad = acpi_parse_madt(exact, t.bytes, &madt, error);

    free(exact);
    return bad;
}

static int parse_mcfg(void)
{
    void *exact = exact_copy(t.data, t.bytes);
    int bad = acpi_parse_mcfg(exact, t.bytes, &mcfg, error);

    free(exact);
    return bad;
}

static void madt_lists_enabled_cpus_once(void **state)
{
    static const uint32_t ids[] = {0, 2, 4, 0x101};

    (void)state;
    table_madt_board(&t);
    assert_int_equal(parse_madt(), 0);
    assert_int_equal(madt.cpus, 4);
    assert_memory_equal(madt.apic_id, ids, sizeof ids);
    assert_true(madt.local_apic.v == 0xfee01000);
}

static void madt_without_override(void **state)
{
    (void)state;
    table_madt_board(&t);
    t.bytes -= 12;
    assert_int_equal(parse_madt(), 0);
    assert_true(madt.local_apic.v == 0xfee00000);
}

static void madt_leaves_cpus_over_the_limit_asleep(void **state)
{
    (void)state;
    table_madt_board(&t);
    for (uint32_t i = 0; i < 100; i++) {
        table_put(&t, 0x1009, 2);
        table_put(&t, 0, 2);
        table_put(&t, 1000 + i, 4);
        table_put(&t, 1, 4);
        table_put(&t, 0, 4);
    }
    assert_int_equal(parse_madt(), 0);
    assert_int_equal(madt.cpus, ACPI_MAX_CPUS);
    assert_int_equal(madt.apic_id[63], 1059);
}

static void madt_damage_is_named(void **state)
{
    (void)state;
    table_madt_board(&t);
    t.data[45] = 0;
    assert_int_equal(parse_madt(), -EBADMSG);
    assert_says(error, "0x2c");
    assert_says(error, "length 0");
    t.data[45] = 7;
    assert_int_equal(parse_madt(), -EBADMSG);
    assert_says(error, "type 0 with only 7 bytes");
    table_madt_board(&t);
    t.data[t.bytes - 11] = 13;
    assert_int_equal(parse_madt(), -EBADMSG);
    assert_says(error, "length 13, 12 bytes are left");
    t.bytes = 43;
    assert_int_equal(parse_madt(), -EBADMSG);
    assert_says(error, "43 bytes");
    t.bytes = 44;
    assert_int_equal(parse_madt(), -EBADMSG);
    assert_says(error, "no enabled CPU");
    t.bytes = 0;
    assert_int_equal(parse_madt(), -EBADMSG);
}

static void mcfg_lists_its_ranges(void **state)
{
    (void)state;
    table_mcfg_board(&t);
    assert_int_equal(parse_mcfg(), 0);
    assert_int_equal(mcfg.count, 2);
    assert_true(mcfg.ecam[0].base.v == 0xb0000000 && mcfg.ecam[0].segment == 0);
    assert_true(mcfg.ecam[0].first_bus == 0 && mcfg.ecam[0].last_bus == 255);
    assert_true(mcfg.ecam[1].base.v == 0x8000000000 && mcfg.ecam[1].segment == 1);
    assert_true(mcfg.ecam[1].first_bus == 0x40 && mcfg.ecam[1].last_bus == 0x7f);
    t.bytes = 44;
    assert_int_equal(parse_mcfg(), 0);
    assert_int_equal(mcfg.count, 0);
}

static void mcfg_refuses(uint64_t base, uint8_t first, uint8_t last, const char *words)
{
    table_mcfg_board(&t);
    table_mcfg_entry(&t, base, 0, first, last);
    assert_int_equal(parse_mcfg(), -EBADMSG);
    assert_says(error, "entry 2");
    assert_says(error, words);
    assert_int_equal(mcfg.count, 0);
}

static void mcfg_damage_is_named(void **state)
{
    (void)state;
    mcfg_refuses(0xb0000000, 2, 1, "first bus 02 is above last bus 01");
    mcfg_refuses(0, 0, 255, "base 0x0");
    mcfg_refuses(0xb0001000, 0, 255, "base 0xb0001000");
    mcfg_refuses(0xfffffffff0000000, 0, 255, "beyond");
    mcfg_refuses((1ull << 52) - (255ull << 20), 0, 255, "beyond");
    table_mcfg_board(&t);
    t.bytes--;
    assert_int_equal(parse_mcfg(), -EBADMSG);
    assert_says(error, "31 bytes of entries");
    t.bytes = 43;
    assert_int_equal(parse_mcfg(), -EBADMSG);
    assert_says(error, "43 bytes");
    table_mcfg_board(&t);
    for (int i = 0; i < 15; i++)
        table_mcfg_entry(&t, 0xb0000000, (uint16_t)(2 + i), 0, 0);
    assert_int_equal(parse_mcfg(), -EBADMSG);
    assert_says(error, "17 entries");
}

static void any_length(void **state)
{
    uint32_t whole;

    (void)state;
    table_madt_board(&t);
    for (whole = t.bytes, t.bytes = 0; t.bytes <= whole; t.bytes++)
        if (parse_madt() == 0)
            assert_true(madt_is_valid(&madt));
    table_mcfg_board(&t);
    for (whole = t.bytes, t.bytes = 0; t.bytes <= whole; t.bytes++)
        assert_int_equal(parse_mcfg() == 0, t.bytes == 44 || t.bytes == 60 || t.bytes == 76);
}

static void any_damage(void **state)
{
    uint64_t seed = 11;

    (void)state;
    for (int round = 0; round < 40000; round++) {
        round & 1 ? table_madt_board(&t) : table_mcfg_board(&t);
        for (uint32_t n = 1 + random_below(&seed, 4); n > 0; n--) {
            uint8_t *byte = &t.data[random_below(&seed, t.bytes)];

            *byte = random_damage(&seed, *byte);
        }
        t.bytes -= random_chance(&seed, 4) ? random_below(&seed, t.bytes) : 0;
        error[0] = 0;
        if ((round & 1 ? parse_madt() : parse_mcfg()) != 0)
            assert_true(error[0] != 0);
        else
            assert_true(round & 1 ? madt_is_valid(&madt) : mcfg_is_valid(&mcfg));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(madt_lists_enabled_cpus_once),
        cmocka_unit_test(madt_without_override),
        cmocka_unit_test(madt_leaves_cpus_over_the_limit_asleep),
        cmocka_unit_test(madt_damage_is_named),
        cmocka_unit_test(mcfg_lists_its_ranges),
        cmocka_unit_test(mcfg_damage_is_named),
        cmocka_unit_test(any_length),
        cmocka_unit_test(any_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

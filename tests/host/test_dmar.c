/* SPDX-License-Identifier: MIT */
/* The DMAR: what real firmware gives is taken, what is damaged is refused by entry and offset. */
#include <errno.h>
#include "kernel/acpi.h"
#include "tests/host/random.h"
#include "tests/host/tables.h"
#include "tests/host/unit.h"

static struct table t;
static struct acpi_dmar dmar;
static char error[ACPI_ERROR_TEXT];
static const uint8_t nic[] = {3, 0};

static int parse(void)
{
    void *exact = exact_copy(t.data, t.bytes);
    int bad = acpi_parse_dmar(exact, t.bytes, &dmar, error);

    free(exact);
    return bad;
}

/* The table at hand is refused, and the text says both. */
static void refused(const char *where, const char *why)
{
    error[0] = 0;
    assert_int_equal(parse(), -EBADMSG);
    assert_says(error, where);
    assert_says(error, why);
    assert_int_equal(dmar.units + dmar.rmrrs, 0); /* half a table is no table */
}

/* A table with one good unit, to be spoilt from here on: offsets 0x30 and 0x48. */
static void begin(void)
{
    uint32_t at;

    table_dmar_begin(&t, 39, 1);
    at = table_drhd(&t, 0, 0, 0xfed90000);
    table_scope(&t, 1, 0, 0, 1, nic);
    table_entry_end(&t, at);
}

static void qemu(void **state)
{
    (void)state;
    table_dmar_qemu(&t);
    assert_int_equal(parse(), 0);
    assert_int_equal(dmar.host_address_width, 39);
    assert_true(dmar.interrupt_remapping && !dmar.x2apic_opt_out);
    assert_int_equal(dmar.units, 1);
    assert_int_equal(dmar.rmrrs, 0);
    assert_true(dmar.unit[0].registers.v == 0xfed90000 && !dmar.unit[0].include_all);
    assert_int_equal(dmar.unit[0].scopes, 6);
    assert_int_equal(dmar.unit[0].scope[0].type, ACPI_SCOPE_IOAPIC);
    assert_int_equal(dmar.unit[0].scope[0].bus, 0xff);
    assert_int_equal(dmar.unit[0].scope[2].path[0][0], 3);
}

static void board(void **state)
{
    const struct acpi_scope *s;

    (void)state;
    table_dmar_board(&t);
    assert_int_equal(parse(), 0);
    assert_int_equal(dmar.host_address_width, 46);
    assert_true(dmar.interrupt_remapping && dmar.x2apic_opt_out);
    assert_int_equal(dmar.units, 2);
    assert_true(dmar.unit[1].registers.v == 0xfed91000 && dmar.unit[1].include_all);
    assert_int_equal(dmar.unit[1].scopes, 2);
    assert_int_equal(dmar.rmrrs, 2);
    assert_true(dmar.rmrr[0].base.v == 0x7b800000 && dmar.rmrr[0].end.v == 0x80000000);
    /* Overlaps the first and is rounded out to pages. */
    assert_true(dmar.rmrr[1].base.v == 0x7f000000 && dmar.rmrr[1].end.v == 0x7f002000);
    assert_int_equal(dmar.rmrr[1].scopes, 2);
    s = &dmar.rmrr[1].scope[1];
    assert_int_equal(s->type, ACPI_SCOPE_BRIDGE);
    assert_int_equal(s->hops, 3);
    assert_memory_equal(s->path, "\34\4\0\0\3\1", 6);
}

static void fixed_part(void **state)
{
    (void)state;
    begin();
    for (t.bytes = 0; t.bytes < 48; t.bytes++)
        refused("fixed part", "bytes");
    refused("no DRHD", "no VT-d unit");
    begin();
    t.data[36] = 30;
    refused("31 bits", "host address width");
    t.data[36] = 64;
    refused("65 bits", "host address width");
    t.data[36] = 63;
    assert_int_equal(parse(), 0);
}

static void entry_lengths(void **state)
{
    uint32_t at;

    (void)state;
    begin();
    at = table_other(&t, 7, 0);
    refused("entry at 0x48", "length 0");
    table_set(&t, at, 0, 2);
    refused("DRHD at 0x48", "length 0");
    table_set(&t, at + 2, 3, 2);
    refused("DRHD at 0x48", "length 3 is under 4");
    table_set(&t, at + 2, 4, 2);
    refused("DRHD at 0x48", "length 4 is under the 16");
    table_set(&t, at + 2, 5, 2);
    refused("DRHD at 0x48", "past the table's end by 1");
    table_set(&t, at + 2, 0xffff, 2);
    refused("DRHD at 0x48", "past the table's end by 65531");
    t.bytes -= 1;
    refused("entry at 0x48", "3 bytes are left");
}

static void too_short_for_their_type(void **state)
{
    static const struct {
        uint16_t type;
        uint32_t fixed;
        const char *where;
    } kinds[] = {{0, 16, "DRHD at 0x48"}, {1, 24, "RMRR at 0x48"}, {2, 8, "ATSR at 0x48"},
                 {3, 20, "RHSA at 0x48"}, {4, 8, "ANDD at 0x48"},  {5, 8, "SATC at 0x48"}};

    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        begin();
        table_entry_end(&t, table_other(&t, kinds[i].type, kinds[i].fixed - 5));
        refused(kinds[i].where, "under the");
        begin();
        table_entry_end(&t, table_other(&t, kinds[i].type, kinds[i].fixed - 4));
        if (kinds[i].type == 0)
            refused(kinds[i].where, "register base 0x0");
        else
            assert_int_equal(parse(), 0);
    }
}

static void later_types_are_skipped(void **state)
{
    (void)state;
    begin();
    table_entry_end(&t, table_other(&t, 6, 4));
    table_entry_end(&t, table_other(&t, 0xffff, 0));
    table_entry_end(&t, table_drhd(&t, 1, 0, 0xfed91000));
    assert_int_equal(parse(), 0);
    assert_int_equal(dmar.units, 2);
}

static void scopes(void **state)
{
    static const uint16_t types[] = {0, 1, 2, 5};
    static const uint8_t far[18] = {0}, wild[] = {32, 0}, wild_function[] = {1, 8};

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        uint32_t at, scope;

        begin();
        at = types[i] == 0   ? table_drhd(&t, 0, 0, 0xfed91000)
             : types[i] == 1 ? table_rmrr(&t, 0, 0x1000, 0x1fff)
                             : table_other(&t, types[i], 4);
        scope = t.bytes;
        table_scope(&t, 1, 0, 0, 1, nic);
        table_entry_end(&t, at);
        assert_int_equal(parse(), 0);
        t.data[scope + 1] = 0;
        refused("at 0x48: scope at", "length 0 is under 6");
        t.data[scope + 1] = 5;
        refused("at 0x48: scope at", "length 5 is under 6");
        t.data[scope + 1] = 6;
        refused("at 0x48: scope at", "no path");
        t.data[scope + 1] = 7;
        refused("at 0x48: scope at", "no path");
        t.data[scope + 1] = 10;
        refused("at 0x48: scope at", "past the entry's end by 2");
        t.data[scope + 1] = 8;
        table_put(&t, 1, 1);
        table_entry_end(&t, at);
        refused("at 0x48: 1 bytes after its last scope", "too few");
    }
    begin();
    table_scope(&t, 1, 0, 0, 9, far);
    table_entry_end(&t, 48);
    refused("DRHD at 0x30: scope at +0x18", "9 hops");
    begin();
    table_scope(&t, 1, 0, 0, 8, far);
    table_entry_end(&t, 48);
    assert_int_equal(parse(), 0);
    begin();
    table_scope(&t, 1, 0, 0, 1, wild);
    table_entry_end(&t, 48);
    refused("DRHD at 0x30: scope at +0x18", "20.0");
    begin();
    table_scope(&t, 1, 0, 0, 1, wild_function);
    table_entry_end(&t, 48);
    refused("DRHD at 0x30: scope at +0x18", "01.8");
}

static void scopes_of_later_types_are_skipped(void **state)
{
    (void)state;
    begin();
    table_scope(&t, 0, 0, 0, 1, nic);
    table_scope(&t, 6, 0, 0, 1, nic);
    table_scope(&t, 5, 9, 0, 1, nic);
    table_entry_end(&t, 48);
    assert_int_equal(parse(), 0);
    assert_int_equal(dmar.unit[0].scopes, 2);
    assert_int_equal(dmar.unit[0].scope[1].id, 9);
}

static void units(void **state)
{
    static const uint64_t bases[] = {0, 0xfed90800, 1ull << 52, UINT64_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
        begin();
        table_entry_end(&t, table_drhd(&t, 0, 0, bases[i]));
        refused("DRHD at 0x48", "is not a page");
    }
    begin();
    table_entry_end(&t, table_drhd(&t, 1, 0, 0xfed90000));
    refused("DRHD at 0x48", "another unit's");
    begin();
    table_entry_end(&t, table_drhd(&t, 1, 0, 0xfed91000));
    table_entry_end(&t, table_drhd(&t, 1, 1, 0xfed92000));
    assert_int_equal(parse(), 0); /* one for all of each segment */
    table_entry_end(&t, table_drhd(&t, 1, 1, 0xfed93000));
    refused("DRHD at 0x68", "second unit for all of segment 1");
}

static void rmrrs(void **state)
{
    (void)state;
    begin();
    table_entry_end(&t, table_rmrr(&t, 0, 0x2000, 0x1fff));
    refused("RMRR at 0x48", "limit 0x1fff is below base 0x2000");
    begin();
    table_entry_end(&t, table_rmrr(&t, 0, 0x2000, 1ull << 39));
    refused("RMRR at 0x48", "39 address bits");
    begin();
    table_entry_end(&t, table_rmrr(&t, 0, 0, UINT64_MAX));
    refused("RMRR at 0x48", "39 address bits");
    t.data[36] = 63;
    refused("RMRR at 0x48", "52 address bits");
    begin();
    table_entry_end(&t, table_rmrr(&t, 3, 0x2001, 0x2001));
    table_entry_end(&t, table_rmrr(&t, 0, 0x2fff, 0x3000));
    table_entry_end(&t, table_rmrr(&t, 0, 0x2fff, 0x3000));
    table_entry_end(&t, table_rmrr(&t, 0, 0x2000, (1ull << 39) - 1));
    assert_int_equal(parse(), 0);
    assert_int_equal(dmar.rmrrs, 4);
    assert_int_equal(dmar.rmrr[0].segment, 3);
    assert_true(dmar.rmrr[0].base.v == 0x2000 && dmar.rmrr[0].end.v == 0x3000);
    assert_true(dmar.rmrr[1].base.v == 0x2000 && dmar.rmrr[1].end.v == 0x4000);
    assert_true(dmar.rmrr[3].end.v == 1ull << 39);
}

static void over_the_limits(void **state)
{
    (void)state;
    begin();
    for (uint32_t i = 1; i < ACPI_MAX_UNITS; i++)
        table_entry_end(&t, table_drhd(&t, 0, 0, 0xfed90000 + 0x1000 * i));
    assert_int_equal(parse(), 0);
    assert_int_equal(dmar.units, ACPI_MAX_UNITS);
    table_entry_end(&t, table_drhd(&t, 0, 0, 0x1000));
    refused("DRHD", "over 16 units");
    begin();
    for (uint32_t i = 0; i < ACPI_MAX_RMRR; i++)
        table_entry_end(&t, table_rmrr(&t, 0, 0x1000, 0x1fff));
    assert_int_equal(parse(), 0);
    table_entry_end(&t, table_rmrr(&t, 0, 0x1000, 0x1fff));
    refused("RMRR", "over 32");
    begin();
    for (uint32_t i = 1; i < ACPI_MAX_SCOPES; i++)
        table_scope(&t, 1, 0, 0, 1, nic);
    table_entry_end(&t, 48);
    assert_int_equal(parse(), 0);
    table_scope(&t, 1, 0, 0, 1, nic);
    table_entry_end(&t, 48);
    refused("DRHD at 0x30", "over 32 scopes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(qemu),
        cmocka_unit_test(board),
        cmocka_unit_test(fixed_part),
        cmocka_unit_test(entry_lengths),
        cmocka_unit_test(too_short_for_their_type),
        cmocka_unit_test(later_types_are_skipped),
        cmocka_unit_test(scopes),
        cmocka_unit_test(scopes_of_later_types_are_skipped),
        cmocka_unit_test(units),
        cmocka_unit_test(rmrrs),
        cmocka_unit_test(over_the_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

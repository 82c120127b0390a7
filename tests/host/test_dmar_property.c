/* SPDX-License-Identifier: MIT */
/* The DMAR parser over random tables with a known meaning, and over damaged ones. */
#include <errno.h>
#include "kernel/acpi.h"
#include "tests/host/random.h"
#include "tests/host/tables.h"
#include "tests/host/unit.h"
#include "tests/host/valid.h"

static struct table t;
static struct acpi_dmar dmar;
static char error[ACPI_ERROR_TEXT];

static int parse(void)
{
    void *exact = exact_copy(t.data, t.bytes);
    int bad = acpi_parse_dmar(exact, t.bytes, &dmar, error);

    free(exact);
    return bad;
}

/* A table of random entries, and what must come of it. */
static struct acpi_dmar want;

static void random_scopes(uint64_t *seed, struct acpi_scope *scope, uint32_t *count)
{
    for (uint32_t n = random_below(seed, 5); n > 0; n--) {
        struct acpi_scope s = {.type = (uint8_t)random_below(seed, 8),
                               .id = (uint8_t)random_next(seed),
                               .bus = (uint8_t)random_next(seed),
                               .hops = (uint8_t)(1 + random_below(seed, 8))};

        for (uint8_t i = 0; i < s.hops; i++) {
            s.path[i][0] = (uint8_t)random_below(seed, 32);
            s.path[i][1] = (uint8_t)random_below(seed, 8);
        }
        table_scope(&t, s.type, s.id, s.bus, s.hops, s.path[0]);
        if (s.type >= 1 && s.type <= 5 && scope != NULL)
            scope[(*count)++] = s;
    }
}

static void random_entry(uint64_t *seed)
{
    uint32_t at = t.bytes, kind = random_below(seed, 8);
    uint16_t segment = (uint16_t)random_next(seed);

    if (kind == 0 && want.units < ACPI_MAX_UNITS) {
        struct acpi_drhd *u = &want.unit[want.units++];

        *u = (struct acpi_drhd){.registers = hpa(0xfed90000 + 0x1000 * want.units),
                                .segment = segment};
        table_drhd(&t, 0xfe, segment, u->registers.v);
        random_scopes(seed, u->scope, &u->scopes);
    } else if (kind == 1) {
        struct acpi_rmrr *m = &want.rmrr[want.rmrrs++];
        uint64_t base = random_next(seed) >> 30, bytes = 1 + random_below(seed, 20000);

        *m = (struct acpi_rmrr){.base = hpa(base / 4096 * 4096),
                                .end = hpa((base + bytes + 4095) / 4096 * 4096),
                                .segment = segment};
        table_rmrr(&t, segment, base, base + bytes - 1);
        random_scopes(seed, m->scope, &m->scopes);
    } else if (kind == 2 || kind == 5) {
        table_other(&t, (uint16_t)kind, 4);
        random_scopes(seed, NULL, NULL);
    } else {
        table_other(&t, kind == 0 ? 9 : (uint16_t)kind, 16 + random_below(seed, 30));
    }
    table_entry_end(&t, at);
}

static void random_tables(void **state)
{
    uint64_t seed = 13;

    (void)state;
    for (int round = 0; round < 3000; round++) {
        uint8_t flags = (uint8_t)random_below(&seed, 4);

        memset(&want, 0, sizeof want);
        want.host_address_width = 46;
        want.interrupt_remapping = flags & 1;
        want.x2apic_opt_out = flags >> 1;
        table_dmar_begin(&t, 46, flags);
        for (uint32_t n = 1 + random_below(&seed, 12); n > 0; n--)
            random_entry(&seed);
        if (want.units == 0) {
            assert_int_equal(parse(), -EBADMSG);
            continue;
        }
        assert_int_equal(parse(), 0);
        assert_memory_equal(&dmar, &want, sizeof want);
    }
}

/* Cut anywhere but between two entries, a table is refused. */
static void any_length(void **state)
{
    void (*const build[])(struct table *) = {table_dmar_qemu, table_dmar_board};

    (void)state;
    for (int i = 0; i < 2; i++) {
        uint32_t whole, next;

        build[i](&t);
        whole = t.bytes;
        next = 48u + t.data[50]; /* the end of the first entry */
        for (t.bytes = 0; t.bytes <= whole; t.bytes++) {
            assert_int_equal(parse() == 0, t.bytes == next);
            if (t.bytes == next)
                next += t.data[next + 2];
        }
    }
}

static void any_damage(void **state)
{
    uint64_t seed = 17;
    int accepted = 0;

    (void)state;
    for (int round = 0; round < 60000; round++) {
        round & 1 ? table_dmar_board(&t) : table_dmar_qemu(&t);
        for (uint32_t n = 1 + random_below(&seed, 4); n > 0; n--) {
            uint8_t *byte = &t.data[36 + random_below(&seed, t.bytes - 36)];

            *byte = random_damage(&seed, *byte);
        }
        t.bytes -= random_chance(&seed, 4) ? random_below(&seed, t.bytes) : 0;
        error[0] = 0;
        if (parse() != 0) {
            assert_true(error[0] != 0);
            continue;
        }
        accepted++;
        assert_true(dmar_is_valid(&dmar));
    }
    assert_true(accepted > 1000); /* else it was not the table that was tested */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_tables),
        cmocka_unit_test(any_length),
        cmocka_unit_test(any_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

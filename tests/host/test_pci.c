/* SPDX-License-Identifier: MIT */
#include "drivers/pci.h"

#include <errno.h>
#include "tests/host/fake_pci.h"
#include "tests/host/random.h"
#include "tests/host/unit.h"

static const struct acpi_mcfg one_segment = {.count = 1, .ecam = {{{0xb0000000}, 0, 0, 255}}};

static int set_up(void **state)
{
    (void)state;
    fake_pci_reset();
    return 0;
}

static void is_at(const struct pci_function *f, uint8_t bus, uint8_t dev, uint8_t fn)
{
    assert_non_null(f);
    assert_true(f->bus == bus && f->dev == dev && f->fn == fn);
}

static bool is_master(uint16_t segment, uint8_t bus, uint8_t dev, uint8_t fn)
{
    return fake_pci_get(fake_pci_find(segment, bus, dev, fn), 4, 2) & 4;
}

static void empty_machine(void **state)
{
    static const struct acpi_mcfg none = {.count = 0};

    (void)state;
    assert_int_equal(pci_init(&none), -ENODEV);
    assert_int_equal(pci_functions(), 0);
    assert_null(pci_function(0));
    assert_null(pci_find(0, 0, 0, 0));
}

static void finds_all_functions(void **state)
{
    (void)state;
    fake_pci_add(0, 0, 0, 0, 0);
    fake_pci_add(0, 0, 31, 0, 0x80);
    fake_pci_add(0, 0, 31, 2, 0x80);
    fake_pci_add(0, 0, 31, 7, 0);
    fake_pci_add(0, 0, 4, 0, 0); /* not multi-function: its shadow is not one */
    fake_pci_add(0, 0, 4, 1, 0);
    fake_pci_add(0, 0, 5, 1, 0); /* no function 0, no device */
    assert_int_equal(pci_init(&one_segment), 0);
    assert_int_equal(pci_functions(), 5);
    is_at(pci_function(0), 0, 0, 0);
    is_at(pci_find(0, 0, 31, 7), 0, 31, 7);
    assert_null(pci_find(0, 0, 4, 1));
    assert_null(pci_find(0, 0, 5, 1));
    assert_null(pci_find(1, 0, 0, 0));
    assert_int_equal(pci_function(0)->vendor, 0x8086);
    assert_int_equal(pci_function(0)->device, 0x10d3);
    assert_int_equal(pci_function(0)->class_code, 2);
    assert_int_equal(pci_source_id(pci_find(0, 0, 31, 7)), 0xff);
}

static void bus_mastering_goes_off_except_on_bridges(void **state)
{
    (void)state;
    fake_pci_add(0, 0, 0, 0, 0x80);
    fake_pci_add(0, 0, 0, 3, 0);
    fake_pci_add(0, 0, 1, 0, 0x7f); /* a header of no known type */
    fake_pci_bridge(0, 2, 1);
    fake_pci_add(0, 1, 0, 0, 0);
    assert_int_equal(pci_init(&one_segment), 0);
    assert_false(is_master(0, 0, 0, 0));
    assert_false(is_master(0, 0, 0, 3));
    assert_false(is_master(0, 0, 1, 0));
    assert_true(is_master(0, 0, 2, 0));
    assert_false(is_master(0, 1, 0, 0));
    /* And nothing else of the command register changed. */
    assert_int_equal(fake_pci_get(fake_pci_find(0, 0, 0, 0), 4, 2), 0x0503);
    assert_int_equal(fake_pci_get(fake_pci_find(0, 0, 2, 0), 4, 2), 0x0507);
}

static void crosses_bridges(void **state)
{
    (void)state;
    fake_pci_bridge(0, 1, 3);
    fake_pci_bridge(3, 0, 9);
    fake_pci_add(0, 9, 7, 0, 0);
    fake_pci_bridge(0, 2, 4); /* nothing behind */
    assert_int_equal(pci_init(&one_segment), 0);
    assert_int_equal(pci_functions(), 4);
    assert_int_equal(pci_find(0, 0, 1, 0)->bridge, 3);
    is_at(pci_find(0, 9, 7, 0), 9, 7, 0);
}

/* Bridges that lead back, to themselves, nowhere, or two to one bus: each bus is searched once. */
static void bridges_in_a_ring(void **state)
{
    (void)state;
    fake_pci_bridge(0, 1, 5);
    fake_pci_bridge(0, 2, 5);
    fake_pci_bridge(0, 3, 0);
    fake_pci_bridge(5, 0, 5);
    fake_pci_bridge(5, 1, 0);
    fake_pci_bridge(5, 2, 2);
    fake_pci_bridge(5, 3, 255);
    fake_pci_bridge(255, 0, 0);
    assert_int_equal(pci_init(&one_segment), 0);
    assert_int_equal(pci_functions(), 8);
    assert_int_equal(pci_find(0, 5, 0, 0)->bridge, 0);
    assert_int_equal(pci_find(0, 5, 1, 0)->bridge, 0);
    assert_true(fake_pci_accesses() < 20000);
}

static void finds_other_root_buses(void **state)
{
    (void)state;
    fake_pci_add(0, 0, 0, 0, 0);
    fake_pci_add(0, 0x80, 5, 0, 0);
    fake_pci_add(0, 0xff, 31, 0, 0);
    assert_int_equal(pci_init(&one_segment), 0);
    assert_int_equal(pci_functions(), 3);
    assert_false(is_master(0, 0x80, 5, 0));
    assert_false(is_master(0, 0xff, 31, 0));
}

static void finds_other_segments(void **state)
{
    static const struct acpi_mcfg mcfg = {
        .count = 2, .ecam = {{{0xb0000000}, 0, 0, 255}, {{0x8000000000}, 7, 0x40, 0x4f}}};

    (void)state;
    fake_pci_add(0, 0, 0, 0, 0);
    fake_pci_add(7, 0x40, 0, 0, 0);
    fake_pci_add(7, 0x4f, 31, 0, 0);
    fake_pci_add(7, 0x50, 0, 0, 0); /* out of its range */
    assert_int_equal(pci_init(&mcfg), 0);
    assert_int_equal(pci_functions(), 3);
    assert_int_equal(pci_find(7, 0x4f, 31, 0)->segment, 7);
    assert_false(is_master(7, 0x40, 0, 0));
}

static void too_many_functions(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < PCI_MAX_FUNCTIONS + 8; i++)
        fake_pci_add(0, (uint8_t)(i / 256), (uint8_t)(i / 8 % 32), (uint8_t)(i % 8), 0x80);
    assert_int_equal(pci_init(&one_segment), -E2BIG);
    assert_int_equal(pci_functions(), PCI_MAX_FUNCTIONS);
    for (uint32_t i = 0; i < PCI_MAX_FUNCTIONS + 8; i++)
        assert_false(is_master(0, (uint8_t)(i / 256), (uint8_t)(i / 8 % 32), (uint8_t)(i % 8)));
}

static void command_bits(void **state)
{
    struct fake_function *fake = fake_pci_add(0, 0, 3, 0, 0);
    struct pci_function *f;

    (void)state;
    fake_pci_set(fake, 6, 0xf900, 2);
    fake->writable[7] = 0xff; /* would change if STATUS were written back */
    assert_int_equal(pci_init(&one_segment), 0);
    f = pci_function(0);
    pci_bus_master(f, true);
    assert_int_equal(pci_read(f, 4, 2), 0x0507);
    pci_memory(f, false);
    assert_int_equal(pci_read(f, 4, 2), 0x0505);
    pci_bus_master(f, false);
    pci_memory(f, true);
    assert_int_equal(pci_read(f, 4, 4), 0xf9000503);
    pci_write(f, 4, 1, 0);
    assert_int_equal(pci_read(f, 4, 1), 0);
}

static void silence(void **state)
{
    struct fake_function *fake = fake_pci_add(0, 0, 3, 0, 0);

    (void)state;
    fake_pci_set(fake, 4, 0x0107, 2); /* SERR on, INTx not off */
    fake_pci_cap(fake, 0x50, 0x05);
    fake_pci_cap(fake, 0x60, 0x11);
    fake_pci_cap(fake, 0x70, 0x10);
    fake_pci_set(fake, 0x52, 0x0081, 2); /* MSI on, 64-bit addresses */
    fake_pci_set(fake, 0x62, 0xc004, 2); /* MSI-X on, masked, 5 vectors */
    fake_pci_set(fake, 0x78, 0x281f, 2); /* all errors reported, relaxed ordering, 512-byte reads */
    memset(fake->writable + 0x52, 0xff, 2);
    memset(fake->writable + 0x62, 0xff, 2);
    memset(fake->writable + 0x78, 0xff, 2);
    assert_int_equal(pci_init(&one_segment), 0);
    pci_silence(pci_function(0));
    assert_int_equal(fake_pci_get(fake, 4, 2), 0x0403);
    assert_int_equal(fake_pci_get(fake, 0x52, 2), 0x0080);
    assert_int_equal(fake_pci_get(fake, 0x62, 2), 0x4004);
    assert_int_equal(fake_pci_get(fake, 0x78, 2), 0x2810);
}

static void silence_without_capabilities(void **state)
{
    struct fake_function *fake = fake_pci_add(0, 0, 3, 0, 0);

    (void)state;
    fake_pci_set(fake, 4, 0x0107, 2);
    assert_int_equal(pci_init(&one_segment), 0);
    pci_silence(pci_function(0));
    assert_int_equal(fake_pci_get(fake, 4, 2), 0x0403);
    assert_int_equal(fake_pci_get(fake, 8, 4), 0x02000000); /* nothing else was written */
}

static struct acpi_scope scope(uint8_t bus, uint8_t hops, const uint8_t *path)
{
    struct acpi_scope s = {.type = ACPI_SCOPE_ENDPOINT, .bus = bus, .hops = hops};

    memcpy(s.path, path, (size_t)hops * 2);
    return s;
}

static void scopes(void **state)
{
    static const uint8_t deep[] = {1, 0, 0, 0, 7, 0, 0, 0}, wrong[] = {1, 0, 1, 0};
    struct acpi_scope s;

    (void)state;
    fake_pci_bridge(0, 1, 3);
    fake_pci_bridge(3, 0, 9);
    fake_pci_add(0, 9, 7, 0, 0);
    fake_pci_add(0, 0x80, 1, 0, 0);
    fake_pci_add(0, 0, 0, 0, 0); /* where a path through no bridge would lead */
    assert_int_equal(pci_init(&one_segment), 0);
    s = scope(0, 1, deep);
    is_at(pci_by_scope(0, &s), 0, 1, 0);
    s = scope(0, 2, deep);
    is_at(pci_by_scope(0, &s), 3, 0, 0);
    s = scope(0, 3, deep);
    is_at(pci_by_scope(0, &s), 9, 7, 0);
    s = scope(0x80, 1, deep);
    is_at(pci_by_scope(0, &s), 0x80, 1, 0);
    s = scope(0x80, 2, deep); /* not a bridge */
    assert_null(pci_by_scope(0, &s));
    s = scope(0, 4, deep);
    assert_null(pci_by_scope(0, &s));
    s = scope(0, 2, wrong);
    assert_null(pci_by_scope(0, &s));
    s = scope(0xff, 1, deep);
    assert_null(pci_by_scope(0, &s));
    s = scope(0, 1, deep);
    assert_null(pci_by_scope(1, &s));
    s = scope(0, 0, deep);
    assert_null(pci_by_scope(0, &s));
}

static void addresses_as_text(void **state)
{
    static const struct {
        const char *text;
        int result;
        uint16_t segment;
        uint8_t bus, dev, fn;
    } cases[] = {
        {"00:03.0", 0, 0, 0, 3, 0},          {"0:3.0", 0, 0, 0, 3, 0},
        {"ff:1f.7", 0, 0, 0xff, 31, 7},      {"FF:1F.7", 0, 0, 0xff, 31, 7},
        {"0001:80:0a.3", 0, 1, 0x80, 10, 3}, {"ffff:00:00.0", 0, 0xffff, 0, 0, 0},
        {"", -EINVAL, 0, 0, 0, 0},           {"auto", -EINVAL, 0, 0, 0, 0},
        {"00:20.0", -EINVAL, 0, 0, 0, 0},    {"00:03.8", -EINVAL, 0, 0, 0, 0},
        {"00:03", -EINVAL, 0, 0, 0, 0},      {"00:03.", -EINVAL, 0, 0, 0, 0},
        {"00:.0", -EINVAL, 0, 0, 0, 0},      {":03.0", -EINVAL, 0, 0, 0, 0},
        {"000:03.0", -EINVAL, 0, 0, 0, 0},   {"00:003.0", -EINVAL, 0, 0, 0, 0},
        {"00:03.00", -EINVAL, 0, 0, 0, 0},   {"00:03.0 ", -EINVAL, 0, 0, 0, 0},
        {" 00:03.0", -EINVAL, 0, 0, 0, 0},   {"00000:00:03.0", -EINVAL, 0, 0, 0, 0},
        {":00:03.0", -EINVAL, 0, 0, 0, 0},   {"0:0:0:3.0", -EINVAL, 0, 0, 0, 0},
        {"00-03.0", -EINVAL, 0, 0, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint16_t segment = 0;
        uint8_t bus = 0, dev = 0, fn = 0;

        assert_int_equal(pci_parse_bdf(cases[i].text, &segment, &bus, &dev, &fn), cases[i].result);
        assert_true(segment == cases[i].segment && bus == cases[i].bus && dev == cases[i].dev &&
                    fn == cases[i].fn);
    }
}

/* Any bytes as a machine: the search ends soon, and what it finds is inside its bounds. */
static void any_machine(void **state)
{
    uint64_t seed = 43;

    (void)state;
    for (int round = 0; round < 60; round++) {
        fake_pci_reset();
        fake_pci_add(0, 0, 0, 0, 0);
        for (uint32_t n = 1 + random_below(&seed, 40); n > 0; n--) {
            struct fake_function *fake = fake_pci_add(
                0, (uint8_t)(random_chance(&seed, 2) ? 0 : random_next(&seed) & 15),
                (uint8_t)random_below(&seed, 32), (uint8_t)(random_next(&seed) & 1), 0);

            for (uint32_t i = 4; i < PCI_CONFIG_BYTES; i++) {
                fake->space[i] = (uint8_t)random_next(&seed);
                fake->writable[i] = random_chance(&seed, 2) ? 0 : (uint8_t)random_next(&seed);
            }
            if (random_chance(&seed, 2))
                fake->space[0x0e] &= 0x81;
        }
        assert_int_equal(pci_init(&one_segment), 0);
        assert_true(fake_pci_accesses() < 100000);
        for (uint32_t i = 0; i < pci_functions(); i++) {
            const struct pci_function *f = pci_function(i);
            uint64_t first, bytes;
            uint8_t bar = 0;

            assert_ptr_equal(pci_find(f->segment, f->bus, f->dev, f->fn), f);
            for (int b = 0; b < 6; b++)
                assert_int_equal(f->bar[b].bytes & (f->bar[b].bytes - 1), 0);
            if (pci_msix_pages(f, &bar, &first, &bytes))
                assert_true(bar < 6 && first % 4096 == 0 && bytes % 4096 == 0 && bytes > 0);
        }
    }
}

#define each(test) cmocka_unit_test_setup(test, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        each(empty_machine),
        each(finds_all_functions),
        each(bus_mastering_goes_off_except_on_bridges),
        each(crosses_bridges),
        each(bridges_in_a_ring),
        each(finds_other_root_buses),
        each(finds_other_segments),
        each(too_many_functions),
        each(command_bits),
        each(silence),
        each(silence_without_capabilities),
        each(scopes),
        each(addresses_as_text),
        each(any_machine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

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

static void bars(void **state)
{
    static const struct pci_bar nothing;
    struct fake_function *fake = fake_pci_add(0, 0, 3, 0, 0);
    uint8_t before[PCI_CONFIG_BYTES];
    const struct pci_bar *bar;

    (void)state;
    fake_pci_bar(fake, 0, 0xfeb80000, 0x20000, 0);
    fake_pci_bar(fake, 1, 0xc040, 0x20, 1);
    fake->writable[0x16] = fake->writable[0x17] = 0; /* 16 bits of ports only */
    fake->space[0x17] = 0x12;
    fake_pci_bar(fake, 2, 0x3800000000, 1ull << 33, 0xc);
    fake_pci_bar(fake, 4, 0xfeb00000, 0x1000, 8);
    /* 5: none */
    memcpy(before, fake->space, sizeof before);
    assert_int_equal(pci_init(&one_segment), 0);
    bar = pci_find(0, 0, 3, 0)->bar;
    assert_true(bar[0].base.v == 0xfeb80000 && bar[0].bytes == 0x20000);
    assert_true(!bar[0].io && !bar[0].prefetch);
    assert_true(bar[1].base.v == 0xc040 && bar[1].bytes == 0x20 && bar[1].io);
    assert_true(bar[2].base.v == 0x3800000000 && bar[2].bytes == 1ull << 33 && bar[2].prefetch);
    assert_memory_equal(&bar[3], &nothing, sizeof nothing);
    assert_true(bar[4].base.v == 0xfeb00000 && bar[4].bytes == 0x1000 && bar[4].prefetch);
    assert_memory_equal(&bar[5], &nothing, sizeof nothing);
    assert_int_equal(fake_pci_unsafe_writes(), 0);
    before[4] = 0x03; /* bus mastering */
    assert_memory_equal(fake->space, before, sizeof before);
}

static void bars_that_are_none(void **state)
{
    struct fake_function *fake = fake_pci_add(0, 0, 3, 0, 0);
    const struct pci_bar *bar;

    (void)state;
    fake_pci_bar(fake, 0, 0, 0x1000, 0);          /* without an address */
    fake_pci_bar(fake, 1, 0xfeb00000, 0x1000, 6); /* of a type that is reserved */
    fake_pci_bar(fake, 2, 0, 1ull << 20, 4);      /* 64 bits without an address */
    fake_pci_bar(fake, 4, 0xfea00000, 0x1000, 2); /* below 1 MiB: as 32 bits */
    fake->space[0x24] = 4;                        /* 64 bits in the last slot */
    fake->writable[0x25] = fake->writable[0x26] = fake->writable[0x27] = 0xff;
    fake->space[0x27] = 0xfe;
    assert_int_equal(pci_init(&one_segment), 0);
    bar = pci_find(0, 0, 3, 0)->bar;
    assert_int_equal(bar[0].bytes, 0);
    assert_int_equal(bar[1].bytes, 0);
    assert_int_equal(bar[2].bytes, 0);
    assert_int_equal(bar[3].bytes, 0);
    assert_true(bar[4].base.v == 0xfea00000 && bar[4].bytes == 0x1000);
    assert_int_equal(bar[5].bytes, 0);
}

/* A bridge has two BARs; its bus numbers behind them are no BAR. */
static void bars_of_a_bridge(void **state)
{
    struct fake_function *fake = fake_pci_bridge(0, 1, 2);

    (void)state;
    fake_pci_bar(fake, 0, 0xfeb00000, 0x1000, 4);
    memset(fake->writable + 0x18, 0xff, 0x10);
    assert_int_equal(pci_init(&one_segment), 0);
    assert_true(pci_function(0)->bar[0].bytes == 0x1000);
    assert_int_equal(pci_function(0)->bar[2].bytes, 0);
    assert_int_equal(fake_pci_get(fake, 0x18, 4), 0x00ff0200);
}

static void capabilities(void **state)
{
    struct fake_function *fake = fake_pci_add(0, 0, 3, 0, 0);
    const struct pci_function *f;

    (void)state;
    fake_pci_cap(fake, 0xc8, 0x01);
    fake_pci_cap(fake, 0xd0, 0x05);
    fake_pci_cap(fake, 0xe0, 0x10);
    fake_pci_cap(fake, 0xa0, 0x11);
    fake_pci_cap(fake, 0x40, 0x05); /* a second MSI: the first counts */
    fake_pci_set(fake, 0xe4, 1u << 28, 4);
    fake_pci_add(0, 0, 4, 0, 0);
    fake_pci_cap(fake_pci_add(0, 0, 5, 0, 0), 0x40, 0x10);
    assert_int_equal(pci_init(&one_segment), 0);
    f = pci_find(0, 0, 3, 0);
    assert_int_equal(f->cap_pm, 0xc8);
    assert_int_equal(f->cap_msi, 0xd0);
    assert_int_equal(f->cap_express, 0xe0);
    assert_int_equal(f->cap_msix, 0xa0);
    assert_true(f->has_flr);
    f = pci_find(0, 0, 4, 0);
    assert_int_equal(f->cap_pm | f->cap_msi | f->cap_express | f->cap_msix, 0);
    assert_int_equal(pci_find(0, 0, 5, 0)->cap_express, 0x40);
    assert_false(pci_find(0, 0, 5, 0)->has_flr);
}

static void capability_lists_end(void **state)
{
    struct fake_function *loop = fake_pci_add(0, 0, 1, 0, 0);
    struct fake_function *low = fake_pci_add(0, 0, 2, 0, 0);
    struct fake_function *odd = fake_pci_add(0, 0, 3, 0, 0);
    struct fake_function *off = fake_pci_add(0, 0, 4, 0, 0);

    (void)state;
    fake_pci_cap(loop, 0x50, 0x05);
    loop->space[0x51] = 0x50;
    fake_pci_cap(low, 0x50, 0x09);
    low->space[0x51] = 0x3c; /* into the header */
    low->space[0x3c] = 0x05;
    fake_pci_cap(odd, 0x50, 0x05); /* the pointer's low bits are reserved */
    odd->space[0x34] = 0x53;
    fake_pci_cap(off, 0x50, 0x05); /* STATUS says that there is no list */
    off->space[6] = 0;
    assert_int_equal(pci_init(&one_segment), 0);
    assert_int_equal(pci_find(0, 0, 1, 0)->cap_msi, 0x50);
    assert_int_equal(pci_find(0, 0, 2, 0)->cap_msi, 0);
    assert_int_equal(pci_find(0, 0, 3, 0)->cap_msi, 0x50);
    assert_int_equal(pci_find(0, 0, 4, 0)->cap_msi, 0);
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

static void msix(uint16_t control, uint32_t table, uint32_t pba, int bar, uint64_t first,
                 uint64_t bytes)
{
    struct fake_function *fake;
    uint8_t got_bar = 99;
    uint64_t got_first = 0, got_bytes = 0;

    fake_pci_reset();
    fake = fake_pci_add(0, 0, 3, 0, 0);
    fake_pci_cap(fake, 0xa0, 0x11);
    fake_pci_set(fake, 0xa2, control, 2);
    fake_pci_set(fake, 0xa4, table, 4);
    fake_pci_set(fake, 0xa8, pba, 4);
    assert_int_equal(pci_init(&one_segment), 0);
    assert_int_equal(pci_msix_pages(pci_function(0), &got_bar, &got_first, &got_bytes), bar >= 0);
    if (bar < 0)
        return;
    assert_int_equal(got_bar, bar);
    assert_true(got_first == first && got_bytes == bytes);
}

static void msix_pages(void **state)
{
    uint8_t bar;
    uint64_t first, bytes;

    (void)state;
    msix(4, 3, 0x2003, 3, 0, 0x3000); /* e1000e: 5 vectors, both in BAR 3 */
    msix(4, 0x3, 0x2004, 3, 0, 0x1000);
    msix(0x8000 | 0x7ff, 0x10001, 0, 1, 0x10000, 0x8000);
    msix(0, 0x1ff8, 0x1ff0 | 1, 0, 0x1000, 0x2000); /* across a page's end */
    msix(64, 0x4000, 0x1000, 0, 0x1000, 0x4000);    /* the PBA first */
    msix(0, 0xfffffff8, 0xfffffff8, 0, 0xfffff000, 0x2000);
    msix(4, 6, 6, -1, 0, 0);
    msix(4, 7, 0, -1, 0, 0);
    fake_pci_reset();
    fake_pci_add(0, 0, 3, 0, 0);
    assert_int_equal(pci_init(&one_segment), 0);
    assert_false(pci_msix_pages(pci_function(0), &bar, &first, &bytes));
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
        each(bars),
        each(bars_that_are_none),
        each(bars_of_a_bridge),
        each(capabilities),
        each(capability_lists_end),
        each(command_bits),
        each(scopes),
        each(msix_pages),
        each(addresses_as_text),
        each(any_machine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

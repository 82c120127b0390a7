/* SPDX-License-Identifier: MIT */
/* What one function says of itself: BARs, capabilities, MSI-X. */
#include "drivers/pci.h"

#include "tests/host/fake_pci.h"
#include "tests/host/unit.h"

static const struct acpi_mcfg one_segment = {.count = 1, .ecam = {{{0xb0000000}, 0, 0, 255}}};

static int set_up(void **state)
{
    (void)state;
    fake_pci_reset();
    return 0;
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

#define each(test) cmocka_unit_test_setup(test, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        each(bars),         each(bars_that_are_none),   each(bars_of_a_bridge),
        each(capabilities), each(capability_lists_end), each(msix_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

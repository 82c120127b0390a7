/* SPDX-License-Identifier: MIT */
/* The MSI capability in its four layouts: what is written, in which order, and what is left alone.
 */
#include "drivers/pci.h"

#include <errno.h>
#include "tests/host/fake_pci.h"
#include "tests/host/unit.h"

#define CAP     0xd0u
#define CONTROL (CAP + 2)

static const struct acpi_mcfg one_segment = {.count = 1, .ecam = {{{0xb0000000}, 0, 0, 255}}};
static const struct pci_message first = {0xfee00018, 0}, second = {0x1fee05038, 0x42};

static struct fake_function *fake;

/* All bytes but the capability's head can be written; everything around it must stay. */
static const struct pci_function *function(uint16_t control)
{
    fake_pci_reset();
    fake = fake_pci_add(0, 0, 3, 0, 0);
    memset(fake->space + CAP - 4, 0xee, 40);
    fake_pci_cap(fake, CAP, 0x05);
    fake->space[CAP + 1] = 0;
    fake_pci_set(fake, CONTROL, control, 2);
    fake->writable[CONTROL] = 0x71; /* MME, enable */
    memset(fake->writable + CAP + 4, 0xff, 20);
    assert_int_equal(pci_init(&one_segment), 0);
    return pci_function(0);
}

static void assert_message(uint64_t address, bool wide, uint32_t data)
{
    assert_int_equal(fake_pci_get(fake, CAP + 4, 4), (uint32_t)address);
    if (wide)
        assert_int_equal(fake_pci_get(fake, CAP + 8, 4), address >> 32);
    assert_int_equal(fake_pci_get(fake, CAP + (wide ? 12 : 8), 2), data);
}

static void untouched(unsigned from, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        assert_int_equal(fake->space[CAP + from + i], 0xee);
}

static void layouts(void **state)
{
    const struct pci_function *f = function(0x00);

    (void)state;
    assert_int_equal(pci_msi_open(f, &first), 0);
    assert_message(first.address, false, first.data);
    assert_int_equal(fake_pci_get(fake, CONTROL, 2), 0x01);
    untouched(10, 26);

    f = function(0x80); /* as the 82574's */
    assert_int_equal(pci_msi_open(f, &second), 0);
    assert_message(second.address, true, second.data);
    assert_int_equal(fake_pci_get(fake, CONTROL, 2), 0x81);
    untouched(14, 22);

    f = function(0x100);
    assert_int_equal(pci_msi_open(f, &first), 0);
    assert_message(first.address, false, first.data);
    assert_int_equal(fake_pci_get(fake, CAP + 12, 4), 0xeeeeeeee); /* its bit 0 was clear */
    untouched(10, 2);
    untouched(16, 20);

    f = function(0x18a); /* maskable, 64 bits, could do 32 vectors */
    fake_pci_set(fake, CAP + 16, 0xffffffff, 4);
    assert_int_equal(pci_msi_open(f, &first), 0);
    assert_message(first.address, true, first.data);
    assert_int_equal(fake_pci_get(fake, CAP + 16, 4), 0xfffffffe);
    assert_int_equal(fake_pci_get(fake, CONTROL, 2), 0x18b);
}

static void a_new_message_starts_over(void **state)
{
    const struct pci_function *f = function(0xd1); /* on, with 32 vectors in use */

    (void)state;
    assert_int_equal(pci_msi_open(f, &first), 0);
    assert_int_equal(fake_pci_get(fake, CONTROL, 2), 0x81);
    assert_int_equal(pci_msi_open(f, &second), 0);
    assert_message(second.address, true, second.data);
    assert_int_equal(fake_pci_get(fake, CONTROL, 2), 0x81);
    pci_silence(pci_find(0, 0, 3, 0));
    assert_int_equal(fake_pci_get(fake, CONTROL, 2), 0x80);
}

/* Written while it is off: a message of an old address and new data goes to nobody knows whom. */
static void it_is_off_while_it_changes(void **state)
{
    const struct pci_function *f = function(0x81);

    (void)state;
    fake->writable[CONTROL] = 0x70; /* it cannot be turned off, so it must not be changed... */
    fake->msi = CAP;
    assert_int_equal(pci_msi_open(f, &second), 0);
    assert_true(fake_pci_unsafe_writes() > 0); /* ...and the watch sees it when it is */
    f = function(0x81);
    fake->msi = CAP;
    assert_int_equal(pci_msi_open(f, &second), 0);
    assert_int_equal(fake_pci_unsafe_writes(), 0);
}

static void without_the_capability(void **state)
{
    (void)state;
    fake_pci_reset();
    fake_pci_add(0, 0, 3, 0, 0);
    assert_int_equal(pci_init(&one_segment), 0);
    assert_int_equal(pci_msi_open(pci_function(0), &first), -ENODEV);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layouts),
        cmocka_unit_test(a_new_message_starts_over),
        cmocka_unit_test(it_is_off_while_it_changes),
        cmocka_unit_test(without_the_capability),
    };

    return cmocka_run_group_tests_name("pci msi", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Interrupt-remapping entries: their bits, the message that names them, and every state between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>
#include "kernel/mem.h"
#include "tests/host/fake_vtd.h"

#define VECTOR      0x42
#define VERIFY      (1ull << 18)
#define ENTRY_CACHE 0x14ull /* of one index */

static struct acpi_dmar dmar;

static void start(uint64_t cap, uint64_t ecap)
{
    fake_dmar(&dmar, 1);
    assert_int_equal(vtd_start(&dmar, true), 0);
    assert_int_equal(vtd_unit_cap(0), cap);
    assert_int_equal(vtd_unit_ecap(0), ecap);
}

static void set_up(uint64_t cap, uint64_t ecap)
{
    fake_vtd_reset(cap, ecap);
    start(cap, ecap);
}

static const uint64_t *entry(uint32_t index)
{
    return (const uint64_t *)phys_to_virt(vtd_unit(0)->interrupts) + 2 * (size_t)index;
}

/* The descriptors since seen are one invalidation of this index's entry, and its wait. */
static void assert_invalidated(uint32_t seen, uint64_t index)
{
    const struct vtd_descriptor *d = fake.unit[0].descriptor;

    assert_int_equal(fake.unit[0].seen - seen, 2);
    assert_int_equal(d[seen].low, ENTRY_CACHE | index << 32);
    assert_int_equal(d[seen].high, 0);
    assert_int_equal(d[seen + 1].low & 0xf, 5);
}

static void an_entry_comes_and_goes(void **state)
{
    struct pci_message m;
    uint32_t seen;

    (void)state;
    set_up(FAKE_CAP_48, FAKE_ECAP);
    struct pci_function *f = fake_function(0, 3);
    assert_int_equal(*(uint64_t *)(void *)(fake.unit[0].regs + 0xb8),
                     vtd_unit(0)->interrupts.v | 7);
    for (uint32_t i = 0; i < 256; i++)
        assert_int_equal(entry(i)[0] | entry(i)[1], 0);
    seen = fake.unit[0].seen;
    assert_int_equal(vtd_interrupt_open(f, VECTOR, 5, &m), 0);
    assert_int_equal(entry(0)[0], 1 | VECTOR << 16 | 5ull << 40);
    assert_int_equal(entry(0)[1], 0x18 | VERIFY);
    assert_int_equal(m.address, 0xfee00018);
    assert_int_equal(m.data, 0);
    assert_invalidated(seen, 0);
    assert_int_equal(vtd_interrupt_open(f, VECTOR, 5, &m), -EBUSY);

    seen = fake.unit[0].seen;
    assert_int_equal(vtd_interrupt_close(f), 0);
    assert_int_equal(entry(0)[0] | entry(0)[1], 0);
    assert_invalidated(seen, 0);
    assert_int_equal(vtd_interrupt_close(f), 0);
    assert_int_equal(fake.unit[0].seen, seen + 2);
}

static void each_function_has_its_own(void **state)
{
    struct pci_message a, b, c;

    (void)state;
    set_up(FAKE_CAP_48 | VTD_CAP_CM, FAKE_ECAP);
    struct pci_function *first = fake_function(0, 3), *second = fake_function(7, 31);
    second->fn = 7;
    assert_int_equal(vtd_interrupt_open(first, 64, 0, &a), 0);
    assert_int_equal(vtd_interrupt_open(second, 255, 254, &b), 0);
    assert_int_equal(b.address, 0xfee00038);
    assert_int_equal(entry(1)[0], 1 | 255ull << 16 | 254ull << 40);
    assert_int_equal(entry(1)[1], 0x7ff | VERIFY);
    uint32_t seen = fake.unit[0].seen;
    assert_int_equal(vtd_interrupt_close(first), 0);
    assert_invalidated(seen, 0);
    assert_int_equal(entry(1)[1], 0x7ff | VERIFY);
    seen = fake.unit[0].seen;
    assert_int_equal(vtd_interrupt_close(second), 0);
    assert_invalidated(seen, 1);
    assert_int_equal(vtd_interrupt_open(second, 64, 0, &c), 0);
    assert_int_equal(c.address, a.address);
}

static void entries_run_out(void **state)
{
    struct pci_function many[257] = {0};
    struct pci_message m;

    (void)state;
    set_up(FAKE_CAP_48, FAKE_ECAP);
    for (unsigned i = 0; i < 257; i++) {
        many[i].bus = (uint8_t)(1 + i / 8);
        many[i].fn = i % 8;
        assert_int_equal(vtd_interrupt_open(&many[i], 64, 0, &m), i < 256 ? 0 : -ENOSPC);
    }
    assert_int_equal(m.address, 0xfee01ff8); /* of the last that got one */
    assert_int_equal(vtd_interrupt_close(&many[200]), 0);
    assert_int_equal(vtd_interrupt_open(&many[256], 64, 0, &m), 0);
    assert_int_equal(m.address, 0xfee00018 | 200 << 5);
}

static void an_x2apic_takes_32_bits(void **state)
{
    struct pci_message m;

    (void)state;
    fake_vtd_reset(FAKE_CAP_48, FAKE_ECAP | VTD_ECAP_EIM);
    fake.x2apic = true;
    start(FAKE_CAP_48, FAKE_ECAP | VTD_ECAP_EIM);
    assert_int_equal(*(uint64_t *)(void *)(fake.unit[0].regs + 0xb8),
                     vtd_unit(0)->interrupts.v | 1 << 11 | 7);
    assert_int_equal(vtd_interrupt_open(fake_function(0, 3), 64, 0x12345, &m), 0);
    assert_int_equal(entry(0)[0], 1 | 64 << 16 | 0x12345ull << 32);

    fake_vtd_reset(FAKE_CAP_48, FAKE_ECAP);
    fake.x2apic = true;
    fake_dmar(&dmar, 1);
    assert_int_equal(vtd_start(&dmar, true), -ENOTSUP);
    assert_true(fake_logged("can't address the processor's x2APIC"));
}

/* Whatever hardware reads between two writes: present only with the source-id that it verifies. */
static unsigned writes;

static void look(void)
{
    writes++;
    if (entry(0)[0] & 1) {
        assert_int_equal(entry(0)[0], 1 | VECTOR << 16 | 5ull << 40);
        assert_int_equal(entry(0)[1], 0x18 | VERIFY);
    }
}

static void no_state_between_lets_another_device_in(void **state)
{
    struct pci_message m;

    (void)state;
    set_up(FAKE_CAP_48, FAKE_ECAP);
    struct pci_function *f = fake_function(0, 3);
    fake.on_write = look;
    assert_int_equal(vtd_interrupt_open(f, VECTOR, 5, &m), 0);
    assert_int_equal(vtd_interrupt_close(f), 0);
    assert_int_equal(writes, 4);
}

static void a_silent_unit_leaves_the_entry_blocked(void **state)
{
    struct pci_message m;

    (void)state;
    set_up(FAKE_CAP_48, FAKE_ECAP);
    struct pci_function *f = fake_function(0, 3);
    fake.unit[0].stalled = true;
    assert_int_equal(vtd_interrupt_open(f, VECTOR, 5, &m), -ETIMEDOUT);
    assert_int_equal(entry(0)[0] | entry(0)[1], 0);

    set_up(FAKE_CAP_48, FAKE_ECAP);
    f = fake_function(0, 3);
    assert_int_equal(vtd_interrupt_open(f, VECTOR, 5, &m), 0);
    fake.unit[0].stalled = true;
    assert_int_equal(vtd_interrupt_close(f), -ETIMEDOUT);
    assert_int_equal(entry(0)[0] | entry(0)[1], 0);
}

static void without_remapping_the_message_says_it_all(void **state)
{
    struct pci_message m;

    (void)state;
    fake_vtd_reset(FAKE_CAP_48, FAKE_ECAP & ~VTD_ECAP_IR);
    fake_dmar(&dmar, 1);
    struct pci_function *f = fake_function(0, 3);
    assert_int_equal(vtd_start(&dmar, false), 0);
    assert_int_equal(vtd_interrupt_open(f, VECTOR, 254, &m), 0);
    assert_int_equal(m.address, 0xfeefe000);
    assert_int_equal(m.data, VECTOR);
    assert_int_equal(vtd_interrupt_open(f, VECTOR, 255, &m), -ENOTSUP);
    assert_true(fake_logged("00:03.0") && fake_logged("APIC id 255") && fake_logged("irq=poll"));
    assert_int_equal(vtd_interrupt_close(f), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_comes_and_goes),
        cmocka_unit_test(each_function_has_its_own),
        cmocka_unit_test(entries_run_out),
        cmocka_unit_test(an_x2apic_takes_32_bits),
        cmocka_unit_test(no_state_between_lets_another_device_in),
        cmocka_unit_test(a_silent_unit_leaves_the_entry_blocked),
        cmocka_unit_test(without_remapping_the_message_says_it_all),
    };
    return cmocka_run_group_tests_name("vtd interrupts", tests, NULL, NULL);
}

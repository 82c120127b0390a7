/* SPDX-License-Identifier: MIT */
/* Fault records in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "tests/host/fake_vtd.h"

/* Eight records at 0x220. */
#define CAP (FAKE_CAP_48 | 7ull << 40)

static uint32_t *fsts(void)
{
    return (uint32_t *)(void *)(fake.unit[0].regs + 0x34);
}

static uint64_t *record(unsigned i)
{
    return (uint64_t *)(void *)(fake.unit[0].regs + 0x220 + 16 * i);
}

static void put(unsigned i, uint64_t address, uint16_t source, uint8_t reason, bool read)
{
    record(i)[0] = address;
    record(i)[1] = 1ull << 63 | (uint64_t)read << 62 | (uint64_t)reason << 32 | source;
    *fsts() |= VTD_FSTS_PPF;
}

/* What writing 1 does to F, in plain memory: exactly that bit was written. */
static bool was_cleared(unsigned i)
{
    return record(i)[1] >> 32 == 1u << 31;
}

static void one_fault(uint8_t reason, const char *words)
{
    fake.now += 2000000;
    fake_log_clear();
    put(0, 0x12345000, 0x1a, reason, reason == 6);
    assert_int_equal(vtd_poll_faults(), 1);
    assert_true(fake_logged(words));
    assert_true(was_cleared(0));
    record(0)[1] = 0;
    *fsts() = 0;
}

static void reasons_are_in_words(void **state)
{
    (void)state;
    fake_domain(CAP, FAKE_ECAP);
    uint64_t seen = vtd_faults();
    one_fault(2, "fault: 00:03.2 write at 0x12345000: the device is blocked (context entry not "
                 "present) (reason 0x2)");
    one_fault(5, "write at 0x12345000: no write permission");
    one_fault(6, "read at 0x12345000: no read permission");
    one_fault(0xc, "reserved bit set in a paging entry");
    one_fault(0, "does not know");
    one_fault(0x40, "does not know");
    one_fault(0xff, "does not know");
    one_fault(0x26, "00:03.2 interrupt index 0: the interrupt entry is another device's");
    one_fault(0x28, "posted-interrupt descriptor");
    one_fault(0x29, "does not know");
    for (unsigned reason = 0; reason < 256; reason++)
        one_fault((uint8_t)reason, "unit 0: fault: ");
    assert_int_equal(vtd_faults() - seen, 10 + 256);
}

static void records_are_read_from_the_first_on(void **state)
{
    (void)state;
    fake_domain(CAP, FAKE_ECAP);
    fake.now += 2000000;
    fake_log_clear();
    put(6, 0x6000, 0x18, 5, false);
    put(7, 0x7000, 0x18, 5, false);
    put(0, 0x8000, 0x18, 5, false);
    *fsts() |= 6 << 8 | VTD_FSTS_PFO;
    assert_int_equal(vtd_poll_faults(), 3);
    char *first = strstr(fake.log, "0x6000"), *last = strstr(fake.log, "0x8000");
    assert_true(first != NULL && last != NULL && first < last);
    assert_true(was_cleared(6) && was_cleared(7) && was_cleared(0));
    assert_int_equal(*fsts(), VTD_FSTS_PFO); /* written to clear it */
}

static void a_storm_is_counted_not_shown(void **state)
{
    (void)state;
    fake_domain(CAP, FAKE_ECAP);
    fake.now += 2000000;
    fake_log_clear();
    uint32_t counted = 0;
    for (unsigned i = 0; i < 100; i++) {
        put(0, i << 12, 0x18, 5, false);
        counted += vtd_poll_faults();
    }
    assert_int_equal(counted, 100);
    unsigned lines = 0;
    for (const char *at = fake.log; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    assert_int_equal(lines, 8);
    fake.now += 2000000;
    put(0, 0, 0x18, 5, false);
    assert_int_equal(vtd_poll_faults(), 1);
    assert_true(fake_logged("92 more faults"));
}

static void nothing_pending_or_a_dead_unit_is_no_fault(void **state)
{
    (void)state;
    fake_domain(CAP, FAKE_ECAP);
    put(0, 0, 0x18, 5, false);
    *fsts() = 0;
    assert_int_equal(vtd_poll_faults(), 0);
    *fsts() = UINT32_MAX;
    assert_int_equal(vtd_poll_faults(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reasons_are_in_words),
        cmocka_unit_test(records_are_read_from_the_first_on),
        cmocka_unit_test(a_storm_is_counted_not_shown),
        cmocka_unit_test(nothing_pending_or_a_dead_unit_is_no_fault),
    };
    return cmocka_run_group_tests_name("vtd fault", tests, NULL, NULL);
}

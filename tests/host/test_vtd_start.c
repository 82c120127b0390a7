/* SPDX-License-Identifier: MIT */
/* Bring-up, scopes, contexts, RMRRs; refusals in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>
#include "tests/host/fake_vtd.h"
#include "kernel/mem.h"

static struct acpi_dmar dmar;

static uint32_t gsts(unsigned unit)
{
    return *(const uint32_t *)(const void *)(fake.unit[unit].regs + 0x1c);
}

static const uint64_t *context(unsigned unit, uint16_t source)
{
    const uint64_t *root = phys_to_virt(vtd_unit(unit)->root);
    if (!(root[2 * (source >> 8)] & 1))
        return NULL;
    const uint64_t *table = phys_to_virt(hpa(root[2 * (source >> 8)] & ~0xfffull));
    return &table[2 * (source & 0xff)];
}

static void every_unit_comes_up_blocking(void **state)
{
    (void)state;
    fake_vtd_reset(FAKE_CAP_48, FAKE_ECAP);
    fake_dmar(&dmar, 2);
    fake_function(0, 3);
    assert_int_equal(vtd_start(&dmar, true), 0);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(gsts(i) & 0xc6000000u, 0xc6000000u); /* TES, RTPS, QIES, IRES */
        const uint64_t *root = phys_to_virt(vtd_unit(i)->root);
        for (unsigned e = 0; e < 512; e++)
            assert_int_equal(root[e], 0);
    }
    assert_int_not_equal(vtd_unit(0)->root.v, vtd_unit(1)->root.v);
    assert_int_equal(vtd_units(), 2);
    assert_true(vtd_is_forbidden(hpa(0xfed90000)) && vtd_is_forbidden(hpa(0xfeda0000)));
    assert_true(vtd_is_forbidden(hpa(0xfee00000)) && vtd_is_forbidden(hpa(0xfeeff000)));
    assert_false(vtd_is_forbidden(hpa(0xfef00000)) || vtd_is_forbidden(hpa(0xfed8f000)));
}

static void refuses(uint64_t cap, uint64_t ecap, bool remapping, int error, const char *words)
{
    fake_vtd_reset(cap, ecap);
    fake_dmar(&dmar, 1);
    dmar.interrupt_remapping = remapping;
    assert_int_equal(vtd_start(&dmar, true), error);
    assert_true(fake_logged(words));
    assert_int_equal(gsts(0), 0);
}

static void unusable_units_are_refused_in_words(void **state)
{
    (void)state;
    refuses(UINT64_MAX, UINT64_MAX, true, -ENODEV, "registers read all ones");
    refuses(0, FAKE_ECAP, true, -ENODEV, "registers read zero");
    refuses(FAKE_CAP_48 & ~0x1f00ull, FAKE_ECAP, true, -ENOTSUP, "no table of 3 or 4 levels");
    refuses(FAKE_CAP_48, FAKE_ECAP & ~VTD_ECAP_QI, true, -ENOTSUP, "no queued invalidation");
    refuses(FAKE_CAP_48, FAKE_ECAP & ~VTD_ECAP_IR, true, -ENOTSUP, "the unit has none");
    refuses(FAKE_CAP_48, FAKE_ECAP, false, -ENOTSUP, "the DMAR denies it");
}

static void firmware_leftovers_are_turned_off_first(void **state)
{
    (void)state;
    fake_vtd_reset(FAKE_CAP_48 | VTD_CAP_PLMR, FAKE_ECAP);
    fake_dmar(&dmar, 1);
    uint32_t *regs = (uint32_t *)(void *)fake.unit[0].regs;
    regs[0x1c / 4] = VTD_G_TE | VTD_G_CFI;
    regs[0x64 / 4] = VTD_PMEN_EPM;
    assert_int_equal(vtd_start(&dmar, true), 0);
    assert_true(fake_logged("firmware left \"translation enable\" on"));
    assert_int_equal(gsts(0) & (VTD_G_TE | VTD_G_CFI), VTD_G_TE);
    assert_int_equal(regs[0x64 / 4], 0);
}

static void scopes_choose_the_unit(void **state)
{
    (void)state;
    fake_vtd_reset(FAKE_CAP_48, FAKE_ECAP);
    fake_dmar(&dmar, 2);
    struct pci_function *bridge = fake_function(0, 1), *below = fake_function(5, 0),
                        *rest = fake_function(0, 3), *far = fake_function(0, 3);
    bridge->bridge = 5;
    far->segment = 1;
    assert_int_equal(vtd_start(&dmar, true), 0);
    assert_ptr_equal(vtd_unit_of(bridge), vtd_unit(0));
    assert_ptr_equal(vtd_unit_of(below), vtd_unit(1)); /* an endpoint scope covers itself alone */
    assert_ptr_equal(vtd_unit_of(rest), vtd_unit(1));
    assert_null(vtd_unit_of(far));
    dmar.unit[0].scope[0].type = ACPI_SCOPE_BRIDGE;
    assert_int_equal(vtd_start(&dmar, true), 0);
    assert_ptr_equal(vtd_unit_of(below), vtd_unit(0));
    assert_ptr_equal(vtd_unit_of(rest), vtd_unit(1));
}

static void attach_and_detach(uint64_t cap, uint16_t blocked_id)
{
    struct dma_hw *hw = fake_domain(cap, FAKE_ECAP);
    const struct pci_function *f = &fake.function[0];
    uint32_t seen = fake.unit[0].seen;
    const struct vtd_descriptor *d = fake.unit[0].descriptor;
    assert_int_equal(vtd_attach(f, hw), 0);
    const uint64_t *entry = context(0, 0x18);
    assert_int_equal(entry[0], hw->root.v | 1);
    assert_int_equal(entry[1], 2 | 1 << 8); /* four levels, domain 1 */
    /* The context cache, its wait, only then the IOTLB and its wait. */
    assert_int_equal(fake.unit[0].seen - seen, 4);
    assert_int_equal(d[seen].low, 0x31 | (uint64_t)blocked_id << 16 | 0x18ull << 32);
    assert_int_equal(d[seen + 1].low & 0xf, 5);
    assert_int_equal(d[seen + 2].low & 0xffffff3f, 0x22 | 1 << 16);
    assert_int_equal(vtd_attach(f, hw), -EBUSY);

    assert_int_equal(vtd_detach(f), 0);
    assert_int_equal(entry[0] | entry[1], 0);
    assert_int_equal(d[seen + 4].low, 0x31 | 1 << 16 | 0x18ull << 32);
    assert_int_equal(hw->stats.inv_context, 2);
    assert_int_equal(hw->stats.inv_domain, 2);
    assert_int_equal(hw->stats.inv_wait, 4);
    assert_int_equal(vtd_detach(f), 0);
    assert_int_equal(vtd_domain_destroy(hw), 0);
}

static void contexts_are_made_and_taken_back(void **state)
{
    (void)state;
    attach_and_detach(FAKE_CAP_48, 1);
    attach_and_detach(FAKE_CAP_48 | VTD_CAP_CM, 0);
}

static void pass_through_is_a_kind_of_context(void **state)
{
    (void)state;
    /* The widest of 39, 48 and 57 bits, though no table of five levels is ever built. */
    struct dma_hw *hw = fake_domain(FAKE_CAP_48 | 1ull << 11, FAKE_ECAP | VTD_ECAP_PT);
    const struct pci_function *f = &fake.function[0];
    assert_int_equal(vtd_domain_pass_through(hw), 0);
    assert_int_equal(vtd_attach(f, hw), 0);
    const uint64_t *entry = context(0, 0x18);
    assert_int_equal(entry[0], 2 << 2 | 1);
    assert_int_equal(entry[1], 3 | 1 << 8);
    assert_int_equal(vtd_detach(f), 0);
    assert_int_equal(entry[0] | entry[1], 0);
    assert_int_equal(vtd_domain_destroy(hw), 0);

    hw = fake_domain(FAKE_CAP_48, FAKE_ECAP & ~VTD_ECAP_PT);
    assert_int_equal(vtd_domain_pass_through(hw), -ENOTSUP);
    assert_true(fake_logged("no pass-through (ECAP.PT); use strategy=none"));
    assert_int_equal(vtd_domain_destroy(hw), 0);
}

static void devices_that_share_a_source_are_refused(void **state)
{
    (void)state;
    struct dma_hw *hw = fake_domain(FAKE_CAP_48, FAKE_ECAP);
    struct pci_function *bridge = fake_function(0, 30), *card = fake_function(9, 0);
    bridge->bridge = 9;
    card->cap_express = 0;
    assert_int_equal(vtd_attach(card, hw), -ENOTSUP);
    assert_true(fake_logged("09:00.0: a PCI device behind a bridge"));
}

static void silent_unit_leaves_the_device_blocked(void **state)
{
    (void)state;
    struct dma_hw *hw = fake_domain(FAKE_CAP_48, FAKE_ECAP);
    const struct pci_function *f = &fake.function[0];
    assert_int_equal(vtd_attach(f, hw), 0);
    fake.unit[0].stalled = true;
    assert_int_equal(vtd_detach(f), -ETIMEDOUT);
    assert_int_equal(context(0, 0x18)[0], 0);
    assert_int_equal(vtd_attach(f, hw), -ETIMEDOUT);
    assert_int_equal(context(0, 0x18)[0], 0);
    assert_int_equal(vtd_domain_destroy(hw), -ETIMEDOUT);
}

static void domain_ids_run_out_and_come_back(void **state)
{
    (void)state;
    struct dma_hw *hw = fake_domain(FAKE_CAP_48 & ~7ull, FAKE_ECAP), *more[16];
    assert_int_equal(hw->id, 1);
    for (unsigned i = 2; i < 16; i++) {
        assert_int_equal(vtd_domain_create(&fake.function[0], &more[i]), 0);
        assert_int_equal(more[i]->id, i);
    }
    assert_int_equal(vtd_domain_create(&fake.function[0], &more[0]), -ENOSPC);
    assert_int_equal(vtd_domain_destroy(more[7]), 0);
    assert_int_equal(vtd_domain_create(&fake.function[0], &more[0]), 0);
    assert_int_equal(more[0]->id, 7);
}

static void add_rmrr(uint64_t base, uint64_t end)
{
    struct acpi_rmrr *r = &dmar.rmrr[dmar.rmrrs++];
    r->base = hpa(base);
    r->end = hpa(end);
    r->scopes = 1;
    r->scope[0] = (struct acpi_scope){.type = ACPI_SCOPE_ENDPOINT, .hops = 1, .path = {{2, 0}}};
}

static void reserved_regions_are_mapped_for_their_device(void **state)
{
    (void)state;
    struct dma_hw *hw;
    fake_vtd_reset(FAKE_CAP_48, FAKE_ECAP);
    fake_dmar(&dmar, 1);
    struct pci_function *f = fake_function(0, 2);
    fake_function(0, 3);
    add_rmrr(0x7f000000, 0x7f003000);
    add_rmrr(0x90000000, 0x90200000);
    add_rmrr(0x1ff000, 0x201000);     /* reaches the hypervisor */
    add_rmrr(0xfee00000, 0xfee01000); /* interrupts */
    add_rmrr(0x5000, 0x4000);
    add_rmrr(1ull << 40, 1ull << 46); /* looking through it page by page would take minutes */
    assert_int_equal(vtd_start(&dmar, true), 0);
    const uint64_t *entry = context(0, 0x10);
    assert_int_equal(entry[0] & 1, 1);
    assert_int_equal(context(0, 0x18)[0], 0);
    hw = vtd_unit(0)->domain[VTD_CONTEXT_ID_OF(entry[1])];
    assert_int_equal(fake_translate(hw, 0x7f002000), 0x7f002000 | 3);
    assert_int_equal(fake_translate(hw, 0x7f003000), 0);
    assert_int_equal(fake_translate(hw, 0x901ff000), 0x901ff000 | 3);
    assert_int_equal(fake_translate(hw, 0x200000), 0);
    assert_int_equal(fake_translate(hw, 0xfee00000), 0);
    assert_int_equal(fake_translate(hw, 0x4000), 0);
    assert_true(fake_logged("RMRR 0x1ff000-0x201000 is no reserved memory"));
    assert_int_equal(vtd_domain_create(f, &hw), 0);
    assert_int_equal(vtd_attach(f, hw), -EBUSY);
    assert_true(fake_logged("00:02.0: in use already, or the firmware keeps a memory region"));
}

static void translation_goes_off_and_on(void **state)
{
    (void)state;
    fake_domain(FAKE_CAP_48, FAKE_ECAP);
    assert_int_equal(vtd_translate(false), 0);
    assert_int_equal(gsts(0) & VTD_G_TE, 0);
    uint32_t seen = fake.unit[0].seen;
    assert_int_equal(vtd_translate(true), 0);
    assert_int_equal(gsts(0) & VTD_G_TE, VTD_G_TE);
    assert_int_equal(fake.unit[0].descriptor[seen].low, 0x11);
    assert_int_equal(fake.unit[0].descriptor[seen + 2].low & 0x3f, 0x12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_unit_comes_up_blocking),
        cmocka_unit_test(unusable_units_are_refused_in_words),
        cmocka_unit_test(firmware_leftovers_are_turned_off_first),
        cmocka_unit_test(scopes_choose_the_unit),
        cmocka_unit_test(contexts_are_made_and_taken_back),
        cmocka_unit_test(pass_through_is_a_kind_of_context),
        cmocka_unit_test(devices_that_share_a_source_are_refused),
        cmocka_unit_test(silent_unit_leaves_the_device_blocked),
        cmocka_unit_test(domain_ids_run_out_and_come_back),
        cmocka_unit_test(reserved_regions_are_mapped_for_their_device),
        cmocka_unit_test(translation_goes_off_and_on),
    };
    return cmocka_run_group_tests_name("vtd start", tests, NULL, NULL);
}

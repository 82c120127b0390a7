/* SPDX-License-Identifier: MIT */
/* The walker over tables that vtd/ wrote, and over tables spoilt on purpose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>
#include "kernel/mem.h"
#include "kernel/trap.h"
#include "kernel/walker.h"
#include "tests/host/fake_vtd.h"

#define RAM   0x100000000ull
#define GPA   0x40000000ull
#define PAGES 1536u
#define BAR   0xfeb80000ull

static struct {
    struct dma_hw *hw;
    struct vm vm;
    struct vm_params params;
    struct cpu_ops cpu;
    struct dma_counters counters;
    hpa_t nested_root;
} t;

hpa_t nested_root(const struct nested_table *table)
{
    (void)table;
    return t.nested_root;
}

bool dma_strategy_has_window(enum dma_strategy strategy)
{
    return strategy == DMA_SHARED || strategy == DMA_SINGLE_USE;
}

/* The window's one page: the last of RAM. */
bool dma_domain_maps(const struct dma_domain *d, iova_t at, hpa_t frame)
{
    (void)d;
    return at.v == 0x1000000000 && frame.v == RAM + (PAGES - 1) * PAGE_SIZE;
}

const struct dma_counters *dma_domain_counters(const struct dma_domain *d)
{
    (void)d;
    return &t.counters;
}

bool pci_msix_pages(const struct pci_function *f, uint8_t *bar, uint64_t *first, uint64_t *bytes)
{
    (void)f;
    *bar = 0;
    *first = 0x3000;
    *bytes = 0x1000;
    return true;
}

int acpi_find(const char signature[4], const void **table, uint32_t *bytes,
              char error[ACPI_ERROR_TEXT])
{
    (void)error;
    assert_memory_equal(signature, "MCFG", 4);
    *table = NULL;
    *bytes = 0;
    return 0;
}

int acpi_parse_mcfg(const void *table, uint32_t bytes, struct acpi_mcfg *out,
                    char error[ACPI_ERROR_TEXT])
{
    (void)table, (void)bytes, (void)error;
    out->count = 1;
    out->ecam[0] = (struct acpi_ecam){.base = hpa(0xb0000000), .last_bus = 255};
    return 0;
}

static uint64_t *new_table(void)
{
    return phys_to_virt(frame_alloc());
}

/* The guest's own table, in NPT's bits: its RAM's first pages and the BAR's first two. */
static uint64_t *nested_leaf(uint64_t at)
{
    uint64_t *table = phys_to_virt(t.nested_root);
    for (unsigned level = 4; level > 1; level--) {
        uint64_t *entry = &table[(at >> (12 + 9 * (level - 1))) & 511];
        if (*entry == 0)
            *entry = virt_to_phys(new_table()).v | 7;
        table = phys_to_virt(hpa(*entry & ~0xfffull));
    }
    return &table[(at >> 12) & 511];
}

static int setup(void **state)
{
    (void)state;
    t.hw = fake_domain(FAKE_CAP_48, FAKE_ECAP);
    struct pci_function *nic = &fake.function[0];
    nic->bar[0].base = hpa(BAR);
    nic->bar[0].bytes = 0x20000;
    t.cpu.name = "svm";
    t.nested_root = frame_alloc();
    t.params = (struct vm_params){.nic = nic, .dma.strategy = DMA_DIRECT};
    t.vm = (struct vm){.params = &t.params,
                       .cpu = &t.cpu,
                       .ram = hpa(RAM),
                       .ram_gpa = gpa(GPA),
                       .ram_bytes = PAGES * PAGE_SIZE,
                       .bar_gpa = gpa(0x80000000),
                       .dma = (struct dma_domain *)&t};
    t.counters.resident = UINT32_MAX;
    *nested_leaf(GPA + 0x5000) = (RAM + 0x5000) | 7;
    *nested_leaf(0x80001000) = (BAR + 0x1000) | 7;
    assert_int_equal(vtd_attach(nic, t.hw), 0);
    assert_int_equal(dma_hw_prepare(t.hw, iova(GPA), PAGES), 0);
    assert_int_equal(dma_hw_set(t.hw, iova(GPA), hpa(RAM), PAGES, 3), 0);
    fake_log_clear();
    return 0;
}

static void map_wrongly(uint64_t at, uint64_t to, const char *words)
{
    fake_log_clear();
    assert_int_equal(dma_hw_prepare(t.hw, iova(at), 1), 0);
    assert_int_equal(dma_hw_set(t.hw, iova(at), hpa(to), 1, 1), 0);
    assert_int_equal(walker_check(&t.vm, NULL), 1);
    assert_true(fake_logged(words));
    dma_hw_clear(t.hw, iova(at), 1);
    assert_int_equal(walker_check(&t.vm, NULL), 0);
}

static void good_tables_hold(void **state)
{
    (void)state;
    uint64_t leaves = 0;
    assert_int_equal(walker_check(&t.vm, &leaves), 0);
    assert_int_equal(leaves, PAGES);
    assert_int_equal(fake.log_bytes, 0);
}

static void device_reaches_what_it_must_not(void **state)
{
    (void)state;
    map_wrongly(0x1000, t.hw->root.v, "device 00:03.0 reaches what is not its guest's memory");
    map_wrongly(0x1000, RAM, "another page than its IOVA names");
    map_wrongly(0x1000, 0xfec00000, "an IOAPIC");
    map_wrongly(0x1000, 0xb0018000, "PCI configuration space");
    /* vtd/ itself refuses these; so write them by hand. */
    static const uint64_t forbidden[] = {0xfee00000, 0xfed90000};
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(dma_hw_prepare(t.hw, iova(0x1000), 1), 0);
        uint64_t *table = phys_to_virt(t.hw->root);
        for (unsigned level = 3; level > 0; level--)
            table = phys_to_virt(hpa(table[0] & VTD_ENTRY_FRAME));
        table[1] = forbidden[i] | 1;
        assert_int_equal(walker_check(&t.vm, NULL), 1);
        assert_true(fake_logged(i ? "a remapping unit's registers" : "the interrupt range"));
        table[1] = 0;
    }
}

static void ownerless_device_reaches_nothing(void **state)
{
    (void)state;
    assert_int_equal(walker_check(NULL, NULL), 3); /* three superpages */
    assert_true(fake_logged("device 00:03.0 reaches memory, and belongs to no guest"));
    assert_int_equal(vtd_detach(t.params.nic), 0);
    assert_int_equal(walker_check(NULL, NULL), 0);
}

static void pages_beyond_the_count_are_seen(void **state)
{
    (void)state;
    t.vm.dma = NULL;
    assert_int_equal(walker_check(&t.vm, NULL), 1); /* no engine yet: nothing may be mapped */
    t.vm.dma = (struct dma_domain *)&t;
    t.counters.resident = PAGES - 1;
    assert_int_equal(walker_check(&t.vm, NULL), 1);
    t.counters.resident = PAGES;
    assert_int_equal(walker_check(&t.vm, NULL), 0);
}

static void a_window_is_what_the_engine_says(void **state)
{
    (void)state;
    dma_hw_clear(t.hw, iova(GPA), PAGES);
    t.params.dma.strategy = DMA_SINGLE_USE;
    assert_int_equal(dma_hw_prepare(t.hw, iova(0x1000000000), 2), 0);
    assert_int_equal(dma_hw_set(t.hw, iova(0x1000000000), hpa(RAM + (PAGES - 1) * PAGE_SIZE), 1, 1),
                     0);
    assert_int_equal(walker_check(&t.vm, NULL), 0);
    map_wrongly(0x1000001000, RAM, "a page that the engine did not map there");
    map_wrongly(0x1000001000, 0x5000, "what is not its guest's memory");
}

static void translation_off_is_for_none_alone(void **state)
{
    (void)state;
    assert_int_equal(vtd_translate(false), 0);
    assert_int_equal(walker_check(&t.vm, NULL), 1);
    assert_int_equal(walker_check(NULL, NULL), 1);
    t.params.dma.strategy = DMA_NONE;
    assert_int_equal(walker_check(&t.vm, NULL), 0);
    assert_int_equal(vtd_translate(true), 0);
}

/* Last of all: a unit without registers stays. */
static void tables_of_an_absent_unit_are_walked(void **state)
{
    (void)state;
    uint64_t leaves;
    assert_int_equal(vtd_detach(t.params.nic), 0);
    assert_int_equal(vtd_start_absent(), 0);
    assert_int_equal(vtd_domain_new(vtd_absent(), &t.hw), 0);
    assert_int_equal(vtd_context_attach(vtd_absent(), pci_source_id(t.params.nic), t.hw), 0);
    assert_int_equal(walker_check(&t.vm, &leaves), 0);
    assert_int_equal(leaves, 0);
    map_wrongly(0x1000, RAM, "device 00:03.0 reaches another page than its IOVA names");
    assert_int_equal(dma_hw_prepare(t.hw, iova(GPA), 1), 0);
    assert_int_equal(dma_hw_set(t.hw, iova(GPA), hpa(RAM), 1, 3), 0);
    assert_int_equal(walker_check(&t.vm, &leaves), 0);
    assert_int_equal(leaves, 1);
    assert_int_equal(walker_check(NULL, NULL), 1);
    assert_true(fake_logged("and belongs to no guest"));
}

static void pass_through_and_wild_tables_are_seen(void **state)
{
    (void)state;
    uint64_t *root = phys_to_virt(vtd_unit(0)->root);
    uint64_t *context = phys_to_virt(hpa(root[0] & ~0xfffull));
    uint64_t low = context[2 * 0x18];
    context[2 * 0x18] = low | 2 << 2;
    assert_int_equal(walker_check(&t.vm, NULL), 1);
    assert_true(fake_logged("translation type 2"));
    t.params.dma.strategy = DMA_PASSTHROUGH;
    assert_int_equal(walker_check(&t.vm, NULL), 0);
    assert_int_equal(walker_check(NULL, NULL), 1); /* its guest is gone */
    t.params.dma.strategy = DMA_DIRECT;
    context[2 * 0x18] = (low & 0xfff) | RAM;
    assert_int_equal(walker_check(&t.vm, NULL), 1);
    assert_true(fake_logged("table page 0x100000000 is not the hypervisor's"));
    context[2 * 0x18] = low;
}

static void guest_wrong(uint64_t at, uint64_t entry, const char *words)
{
    uint64_t *leaf = nested_leaf(at), was = *leaf;
    *leaf = entry;
    assert_int_equal(walker_check(&t.vm, NULL), 1);
    assert_true(fake_logged(words));
    *leaf = was;
}

static void guest_reaches_what_it_must_not(void **state)
{
    (void)state;
    guest_wrong(GPA + 0x6000, t.nested_root.v | 7, "the guest reaches what is neither its RAM");
    guest_wrong(GPA + 0x6000, (RAM + 0x7000) | 7, "another page than its address names");
    guest_wrong(0x80003000, (BAR + 0x3000) | 7, "the MSI-X table");
    guest_wrong(0x80004000, (BAR + 0x5000) | 7, "neither its RAM nor its device");
    guest_wrong(0x1000, 0xfee00000 | 7, "the interrupt range");
    /* Present in EPT's sense, not in NPT's. */
    *nested_leaf(0x1000) = 0xfee00000 | 2;
    assert_int_equal(walker_check(&t.vm, NULL), 0);
    t.cpu.name = "vmx";
    assert_int_equal(walker_check(&t.vm, NULL), 1);
}

/* What the switch to a native guest needs, and no more: at its own address, with no more rights. */
#define SHARED 0x205000ull

static bool shares(const struct vcpu *v, hpa_t page, bool writable)
{
    (void)v;
    return page.v == SHARED || (page.v == SHARED + PAGE_SIZE && !writable);
}

static void a_native_guest_reaches_the_switch(void **state)
{
    (void)state;
    guest_wrong(SHARED, SHARED | 7, "the guest reaches what is neither its RAM");
    t.cpu.shares = shares;
    *nested_leaf(SHARED) = SHARED | 7;
    *nested_leaf(SHARED + PAGE_SIZE) = (SHARED + PAGE_SIZE) | 5;
    assert_int_equal(walker_check(&t.vm, NULL), 0);
    guest_wrong(SHARED + PAGE_SIZE, (SHARED + PAGE_SIZE) | 7, "neither its RAM nor its device");
    guest_wrong(SHARED + 2 * PAGE_SIZE, (SHARED + 2 * PAGE_SIZE) | 5, "neither its RAM");
    guest_wrong(0x1000, SHARED | 7, "neither its RAM nor its device");
}

static void a_native_guests_device_does_not(void **state)
{
    (void)state;
    t.cpu.shares = shares;
    assert_int_equal(dma_hw_prepare(t.hw, iova(SHARED), 1), 0);
    assert_int_equal(dma_hw_set(t.hw, iova(SHARED), hpa(SHARED), 1, 3), 0);
    assert_int_equal(walker_check(&t.vm, NULL), 1);
    assert_true(fake_logged("what is not its guest's memory"));
}

static void guests_frames_are_the_guests(void **state)
{
    (void)state;
    t.vm.ram = hpa(0x1ff000); /* the next page is the hypervisor's */
    t.vm.ram_bytes = 2 * PAGE_SIZE;
    walker_check(&t.vm, NULL);
    assert_true(fake_logged("frame 0x200000 of the guest's RAM is the hypervisor's"));
}

static void spoil_interrupt(unsigned word, uint64_t value, const char *words)
{
    uint64_t *entry = phys_to_virt(vtd_unit(0)->interrupts), was = entry[word];

    fake_log_clear();
    entry[word] = value;
    assert_int_equal(walker_check(&t.vm, NULL), 1);
    assert_true(fake_logged("unit 0: interrupt entry 0 is open for 00:0"));
    assert_true(fake_logged(words));
    entry[word] = was;
    assert_int_equal(walker_check(&t.vm, NULL), 0);
}

static void only_the_guests_device_interrupts(void **state)
{
    struct pci_message m;

    (void)state;
    assert_int_equal(vtd_interrupt_open(t.params.nic, TRAP_DEVICE, 3, &m), 0);
    assert_int_equal(walker_check(&t.vm, NULL), 1); /* irq=poll */
    assert_true(fake_logged("belongs to no guest that may have interrupts"));
    t.params.msi = true;
    assert_int_equal(walker_check(&t.vm, NULL), 0);
    const uint64_t *entry = phys_to_virt(vtd_unit(0)->interrupts);
    spoil_interrupt(1, entry[1] ^ 1 << 5, "belongs to no guest");
    spoil_interrupt(1, entry[1] ^ 1 << 18, "does not compare the whole source-id");
    spoil_interrupt(1, entry[1] ^ 1 << 16, "does not compare the whole source-id");
    spoil_interrupt(0, entry[0] ^ 1 << 16, "not the vector");
    spoil_interrupt(0, entry[0] ^ 1 << 5, "not the vector");  /* delivery mode */
    spoil_interrupt(0, entry[0] ^ 1 << 15, "not the vector"); /* posted */

    assert_int_equal(vtd_detach(t.params.nic), 0);
    assert_int_equal(walker_check(NULL, NULL), 1);
    assert_int_equal(vtd_interrupt_close(t.params.nic), 0);
    assert_int_equal(walker_check(NULL, NULL), 0);
}

static void lines_are_few(void **state)
{
    (void)state;
    t.vm.ram_gpa = gpa(0);
    for (unsigned i = 0; i < 20; i++)
        *nested_leaf(GPA + i * PAGE_SIZE) = (RAM + i * PAGE_SIZE) | 7;
    assert_int_equal(walker_check(&t.vm, NULL), 20 + 3);
    unsigned lines = 0;
    for (const char *at = fake.log; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    assert_int_equal(lines, 8 + 1);
    assert_true(fake_logged("15 more violations not shown"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(good_tables_hold, setup),
        cmocka_unit_test_setup(device_reaches_what_it_must_not, setup),
        cmocka_unit_test_setup(ownerless_device_reaches_nothing, setup),
        cmocka_unit_test_setup(pages_beyond_the_count_are_seen, setup),
        cmocka_unit_test_setup(a_window_is_what_the_engine_says, setup),
        cmocka_unit_test_setup(translation_off_is_for_none_alone, setup),
        cmocka_unit_test_setup(pass_through_and_wild_tables_are_seen, setup),
        cmocka_unit_test_setup(guest_reaches_what_it_must_not, setup),
        cmocka_unit_test_setup(a_native_guest_reaches_the_switch, setup),
        cmocka_unit_test_setup(a_native_guests_device_does_not, setup),
        cmocka_unit_test_setup(guests_frames_are_the_guests, setup),
        cmocka_unit_test_setup(only_the_guests_device_interrupts, setup),
        cmocka_unit_test_setup(lines_are_few, setup),
        cmocka_unit_test_setup(tables_of_an_absent_unit_are_walked, setup),
    };
    return cmocka_run_group_tests_name("walker", tests, NULL, NULL);
}

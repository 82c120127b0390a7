/* SPDX-License-Identifier: MIT */
/* The nested table under the guest's own tables, its larger leaves, and entries that no processor
 * accepts. */
#include "kernel/mem.h"
#include "tests/cpu/test.h"

#define RIGHTS_ALL (NESTED_READ | NESTED_WRITE | NESTED_EXEC)
#define LARGE      0x80000000ull /* GPA, and the guest's address of it */
#define RESERVED   (1ull << 51)  /* beyond every emulator's physical addresses */
#define FRAME      0x000ffffffffff000ull
#define VALUE      0x1122334455667788ull

#define DECLARE(name) extern const uint8_t guest_##name[]
DECLARE(read);
DECLARE(read_byte);
DECLARE(write);
DECLARE(write_byte);

static void begin(struct guest *g, const uint8_t *code, uint64_t address)
{
    guest_start(g, code);
    g->vcpu.regs.rax = address;
    g->vcpu.regs.rbx = VALUE;
}

/* The guest's page-table entry for DATA, as guest-physical address. */
static uint64_t table_of(struct guest *g)
{
    return *guest_entry(g, GUEST_DATA, 2) & FRAME;
}

static uint64_t entry_of(struct guest *g)
{
    return table_of(g) + GUEST_DATA / PAGE_SIZE % 512 * 8;
}

static void walk_faults(struct guest *g, uint64_t address, bool present)
{
    EXPECT_EXIT(g, CPU_EXIT_NESTED_FAULT);
    EXPECT(g->exit.nested.table_walk);
    EXPECT_EQ(g->exit.nested.address.v, address);
    EXPECT_EQ(g->exit.nested.present, present);
    EXPECT_EQ(g->exit.length, 0);
}

static void absent_guest_tables(struct guest *g)
{
    const uint64_t at = entry_of(g);

    guest_nested_set(g, at, 0);
    begin(g, guest_read, GUEST_DATA);
    walk_faults(g, at, false);
    guest_nested_set(g, at, RIGHTS_ALL);
    EXPECT_POINT(g, 1);
    guest_nested_set(g, GUEST_ROOT, 0);
    begin(g, guest_read, GUEST_DATA);
    walk_faults(g, GUEST_ROOT, false);
    guest_nested_set(g, GUEST_ROOT, RIGHTS_ALL);
    EXPECT_POINT(g, 1);
}

/* The walk itself writes: the accessed bit. */
static void read_only_guest_tables(struct guest *g)
{
    const uint64_t at = entry_of(g);

    begin(g, guest_read, GUEST_DATA);
    EXPECT_EQ(*guest_entry(g, GUEST_DATA, 1) & PTE_A, 0);
    guest_nested_set(g, at, NESTED_READ);
    guest_run(g);
    if (is_vmx() && g->exit.reason == CPU_EXIT_IO && (*guest_entry(g, GUEST_DATA, 1) & PTE_A))
        SKIP("this emulator writes accessed bits whatever EPT says");
    guest_start(g, guest_read);
    walk_faults(g, at, true);
    EXPECT_EQ(g->exit.nested.access & CPU_ACCESS_WRITE, CPU_ACCESS_WRITE);
    EXPECT_EQ(*guest_entry(g, GUEST_DATA, 1) & PTE_A, 0);
    guest_nested_set(g, at, RIGHTS_ALL);
    EXPECT_POINT(g, 1);
    EXPECT_EQ(*guest_entry(g, GUEST_DATA, 1) & PTE_A, PTE_A);
}

static void data_fault(struct guest *g, uint64_t address, unsigned access, bool present)
{
    EXPECT_EXIT(g, CPU_EXIT_NESTED_FAULT);
    EXPECT_EQ(g->exit.nested.address.v, address);
    EXPECT_EQ(g->exit.nested.access, access);
    EXPECT_EQ(g->exit.nested.present, present);
    EXPECT(!g->exit.nested.table_walk);
}

/* Guest pages as large as the guest's table has them, for where the case reads. */
static void map_guest_pages(struct guest *g, uint64_t address)
{
    *guest_entry(g, address, 2) = align_down(address, PAGE_2M) | PTE_P | PTE_W | PTE_PS;
}

/* A leaf that may be read alone: its first and last byte, and what lies around it. */
static void edges(struct guest *g, uint64_t bytes, const uint8_t *host)
{
    const uint64_t first = LARGE, last = LARGE + bytes - 1;

    map_guest_pages(g, first);
    map_guest_pages(g, last);
    map_guest_pages(g, first - 1);
    map_guest_pages(g, last + 1);
    begin(g, guest_read_byte, first);
    EXPECT_POINT(g, 1);
    EXPECT_EQ(g->vcpu.regs.rbx & 0xff, host[0]);
    begin(g, guest_read_byte, last);
    EXPECT_POINT(g, 1);
    begin(g, guest_write_byte, first);
    data_fault(g, first, CPU_ACCESS_WRITE, true);
    begin(g, guest_write_byte, last);
    data_fault(g, last, CPU_ACCESS_WRITE, true);
    begin(g, guest_read_byte, first - 1);
    data_fault(g, first - 1, CPU_ACCESS_READ, false);
    begin(g, guest_read_byte, last + 1);
    data_fault(g, last + 1, CPU_ACCESS_READ, false);
    begin(g, guest_read, last - 3);
    data_fault(g, last + 1, CPU_ACCESS_READ, false);
}

static void leaves_of_2m(struct guest *g)
{
    hpa_t block = frame_alloc_run(PAGE_2M / PAGE_SIZE, PAGE_2M);
    uint8_t *host = phys_to_virt(block);

    EXPECT(block.v);
    host[0] = 0x5a;
    EXPECT_EQ(nested_map(g->nested, gpa(LARGE), block, PAGE_2M, NESTED_READ, PAGE_2M, false), 0);
    EXPECT_EQ(*guest_nested_entry(g, LARGE, 2) & FRAME, block.v);
    edges(g, PAGE_2M, host);
    frame_free_run(block, PAGE_2M / PAGE_SIZE);
}

/* All the machine's first GiB, the hypervisor's own memory with it, so to be read only. */
static void leaves_of_1g(struct guest *g)
{
    const uint64_t own = LARGE + (uint64_t)guest_read;

    if (!cpu->nested_format().has_1g)
        SKIP("the processor has no leaves of 1 GiB");
    EXPECT_EQ(nested_map(g->nested, gpa(LARGE), hpa(0), PAGE_1G, NESTED_READ, PAGE_1G, false), 0);
    EXPECT_EQ(*guest_nested_entry(g, LARGE, 3) & FRAME, 0);
    map_guest_pages(g, own);
    begin(g, guest_read_byte, own);
    EXPECT_POINT(g, 1);
    EXPECT_EQ(g->vcpu.regs.rbx & 0xff, guest_read[0]);
    begin(g, guest_write_byte, own);
    data_fault(g, own, CPU_ACCESS_WRITE, true);
    map_guest_pages(g, LARGE - 1);
    map_guest_pages(g, LARGE + PAGE_1G);
    begin(g, guest_read_byte, LARGE - 1);
    data_fault(g, LARGE - 1, CPU_ACCESS_READ, false);
    begin(g, guest_read_byte, LARGE + PAGE_1G);
    data_fault(g, LARGE + PAGE_1G, CPU_ACCESS_READ, false);
}

/* An entry spoilt, the same entry as it was, at each level. */
static void spoilt(struct guest *g, uint64_t *entry, uint64_t with)
{
    const uint64_t good = *entry;

    *entry = with;
    nested_unmap(g->nested, gpa(LARGE), PAGE_SIZE); /* nothing is there; but what is cached goes */
    begin(g, guest_read, GUEST_DATA + 0x18);
    EXPECT_EXIT(g, CPU_EXIT_NESTED_BROKEN);
    EXPECT_EQ(align_down(g->exit.nested.address.v, PAGE_SIZE), GUEST_DATA);
    EXPECT_EQ(g->exit.raw, is_svm() ? 0x400 : 49);
    EXPECT_EQ(g->vcpu.regs.rip, (uint64_t)guest_read);
    *entry = good;
    nested_unmap(g->nested, gpa(LARGE), PAGE_SIZE);
    EXPECT_POINT(g, 1);
}

static void entries_with_reserved_bits(struct guest *g)
{
    uint64_t *entry = guest_nested_entry(g, GUEST_DATA, 1);

    test_row("bit 51");
    spoilt(g, entry, *entry | RESERVED);
}

/* To be written and not to be read: EPT alone can say so, and no processor wants it. */
static void entries_to_be_written_alone(struct guest *g)
{
    uint64_t *entry = guest_nested_entry(g, GUEST_DATA, 1);

    spoilt(g, entry, (*entry & ~5ull) | 2);
}

/* A memory type that does not exist. */
static void entries_of_no_memory_type(struct guest *g)
{
    uint64_t *entry = guest_nested_entry(g, GUEST_DATA, 1);

    spoilt(g, entry, (*entry & ~(7ull << 3)) | 2ull << 3);
}

static const struct test_case cases[] = {
    CASE(absent_guest_tables),
    CASE(read_only_guest_tables),
    CASE(leaves_of_2m),
    CASE(leaves_of_1g),
    CASE(entries_with_reserved_bits),
    CASE_OF("vmx", entries_to_be_written_alone),
    CASE_OF("vmx", entries_of_no_memory_type),
};

GROUP(walk);

/* SPDX-License-Identifier: MIT */
/* What the nested table forbids: the exact address, the kind of access, and nothing done; after the
 * table is mended, the same instruction goes through. */
#include <string.h>
#include "kernel/mem.h"
#include "kernel/x86.h"
#include "tests/cpu/test.h"

#define RIGHTS_ALL (NESTED_READ | NESTED_WRITE | NESTED_EXEC)
#define PAGE_A     GUEST_DATA
#define PAGE_B     (GUEST_DATA + PAGE_SIZE)
#define VALUE      0x1122334455667788ull
#define FLAGS      0x8d5ull /* all six arithmetic flags */

#define DECLARE(name) extern const uint8_t guest_##name[]
DECLARE(read);
DECLARE(read_byte);
DECLARE(write);
DECLARE(write_byte);
DECLARE(add);
DECLARE(fetch);
DECLARE(long_instruction);
DECLARE(long_instruction_end);

static void begin(struct guest *g, const uint8_t *code, uint64_t address)
{
    struct cpu_state state;

    guest_start(g, code);
    g->vcpu.regs.rax = address;
    g->vcpu.regs.rbx = VALUE;
    cpu->get_state(&g->vcpu, &state);
    state.rflags |= FLAGS;
    cpu->set_state(&g->vcpu, &state);
}

/* rip: of the access, for a fetch where it goes to. */
static void faults(struct guest *g, uint64_t rip, uint64_t address, unsigned access, bool present)
{
    struct cpu_state state;

    EXPECT_EXIT(g, CPU_EXIT_NESTED_FAULT);
    EXPECT_EQ(g->exit.nested.address.v, address);
    EXPECT_EQ(g->exit.nested.access, access);
    EXPECT_EQ(g->exit.nested.present, present);
    EXPECT(!g->exit.nested.table_walk);
    EXPECT_EQ(g->exit.length, 0);
    EXPECT_EQ(g->vcpu.regs.rip, rip);
    cpu->get_state(&g->vcpu, &state);
    EXPECT_EQ(state.rflags & FLAGS, FLAGS);
    EXPECT_EQ(g->exit.raw, is_svm() ? 0x400 : 48);
}

static void absent_pages(struct guest *g)
{
    const uint64_t at = PAGE_A + 0x128;

    guest_nested_set(g, at, 0);
    begin(g, guest_read, at);
    faults(g, (uint64_t)guest_read, at, CPU_ACCESS_READ, false);
    begin(g, guest_write, at);
    faults(g, (uint64_t)guest_write, at, CPU_ACCESS_WRITE, false);
    begin(g, guest_fetch, at);
    faults(g, at, at, CPU_ACCESS_EXEC, false);
}

static void a_mended_page_goes_on(struct guest *g)
{
    const uint64_t at = PAGE_A + 0x128;

    guest_nested_set(g, at, 0);
    begin(g, guest_write, at);
    faults(g, (uint64_t)guest_write, at, CPU_ACCESS_WRITE, false);
    guest_nested_set(g, at, RIGHTS_ALL);
    EXPECT_POINT(g, 1);
    EXPECT_EQ(*(uint64_t *)guest_at(g, at), VALUE);
    EXPECT_EQ(g->vcpu.regs.rax, at);
}

static void read_only_pages(struct guest *g)
{
    const uint64_t at = PAGE_A + 0xff8;
    uint64_t *word = guest_at(g, at);

    *word = 5;
    guest_nested_set(g, at, NESTED_READ | NESTED_EXEC);
    begin(g, guest_read, at);
    EXPECT_POINT(g, 1);
    EXPECT_EQ(g->vcpu.regs.rbx, 5);
    begin(g, guest_write, at);
    faults(g, (uint64_t)guest_write, at, CPU_ACCESS_WRITE, true);
    EXPECT_EQ(*word, 5);
    guest_nested_set(g, at, RIGHTS_ALL);
    EXPECT_POINT(g, 1);
    EXPECT_EQ(*word, VALUE);
}

/* What reads and writes at once is a write; the processor may say that it is a read as well. */
static void read_and_write_at_once(struct guest *g)
{
    guest_nested_set(g, PAGE_A, NESTED_READ);
    begin(g, guest_add, PAGE_A);
    EXPECT_EXIT(g, CPU_EXIT_NESTED_FAULT);
    EXPECT_EQ(g->exit.nested.access & CPU_ACCESS_WRITE, CPU_ACCESS_WRITE);
    EXPECT_EQ(g->exit.nested.address.v, PAGE_A);
    guest_nested_set(g, PAGE_A, RIGHTS_ALL);
    EXPECT_POINT(g, 1);
    EXPECT_EQ(*(uint64_t *)guest_at(g, PAGE_A), VALUE);
}

static void pages_without_execution(struct guest *g)
{
    const uint64_t at = PAGE_A + 0x40;

    memcpy(guest_at(g, at), guest_long_instruction, 16);
    guest_nested_set(g, at, NESTED_READ | NESTED_WRITE);
    begin(g, guest_fetch, at);
    faults(g, at, at, CPU_ACCESS_EXEC, true);
    guest_nested_set(g, at, NESTED_READ | NESTED_EXEC);
    EXPECT_POINT(g, 1);
    EXPECT_EQ(g->vcpu.regs.rcx, 0x12345678);
}

static void the_image_is_read_only(struct guest *g)
{
    *guest_entry(g, (uint64_t)guest_read, 1) |= PTE_W;
    begin(g, guest_write_byte, (uint64_t)guest_read);
    faults(g, (uint64_t)guest_write_byte, GUEST_IMAGE + (uint64_t)guest_read, CPU_ACCESS_WRITE,
           true);
}

/* The second page's first byte is what is missing, and nothing of the first is written. */
static void across_two_pages(struct guest *g)
{
    const uint64_t at = PAGE_B - 4;
    uint32_t *low = guest_at(g, at), *high = guest_at(g, PAGE_B);

    *low = 1;
    *high = 2;
    guest_nested_set(g, PAGE_B, 0);
    begin(g, guest_read, at);
    faults(g, (uint64_t)guest_read, PAGE_B, CPU_ACCESS_READ, false);
    guest_nested_set(g, PAGE_B, NESTED_READ);
    EXPECT_POINT(g, 1);
    EXPECT_EQ(g->vcpu.regs.rbx, 0x200000001);
    begin(g, guest_write, at);
    faults(g, (uint64_t)guest_write, PAGE_B, CPU_ACCESS_WRITE, true);
    EXPECT_EQ(*low, 1);
    guest_nested_set(g, PAGE_B, RIGHTS_ALL);
    EXPECT_POINT(g, 1);
    EXPECT_EQ(*low, (uint32_t)VALUE);
    EXPECT_EQ(*high, VALUE >> 32);
}

static void an_instruction_across_two_pages(struct guest *g)
{
    const uint64_t at = PAGE_B - 2;

    /* The two pages are one piece of the host's memory too. */
    memcpy(guest_at(g, at), guest_long_instruction, 16);
    guest_nested_set(g, PAGE_B, NESTED_READ);
    begin(g, guest_fetch, at);
    faults(g, at, PAGE_B, CPU_ACCESS_EXEC, true);
    guest_nested_set(g, PAGE_B, RIGHTS_ALL);
    EXPECT_POINT(g, 1);
    EXPECT_EQ(g->vcpu.regs.rcx, 0x12345678);
}

static const struct test_case cases[] = {
    CASE(absent_pages),
    CASE(a_mended_page_goes_on),
    CASE(read_only_pages),
    CASE(read_and_write_at_once),
    CASE(pages_without_execution),
    CASE(the_image_is_read_only),
    CASE(across_two_pages),
    CASE(an_instruction_across_two_pages),
};

GROUP(nested);

/* SPDX-License-Identifier: MIT */
/* Exceptions: the host's to see until the guest has loaded an IDT, and then the guest's own, but
 * for those that can stall a processor. */
#include "tests/cpu/exceptions.h"
#include "kernel/x86.h"
#include "tests/cpu/test.h"

#define CR0_AM (1ull << 18)

#define DECLARE(name) extern const uint8_t guest_##name[]
DECLARE(ac);
DECLARE(ac_at);
DECLARE(gp);
DECLARE(int1);
DECLARE(int1_after);
DECLARE(int_n);
DECLARE(int_n_after);
DECLARE(mf);
DECLARE(mf_at);
DECLARE(prologue_ltr);
DECLARE(ud);
DECLARE(user);
DECLARE(user_cpuid);
DECLARE(user_hlt);
DECLARE(xm);
DECLARE(xm_at);

static bool needs_gdt(const struct exception_row *row)
{
    return row->error == GUEST_ABSENT_SELECTOR;
}

/* The exit of row->vector, with what came with it. */
static void exits_with(struct guest *g, const struct exception_row *row, bool has_handler)
{
    const struct cpu_exception *event = &g->exit.exception.event;

    EXPECT_EXIT(g, CPU_EXIT_EXCEPTION);
    EXPECT_EQ(event->vector, row->vector);
    EXPECT_EQ(event->has_error, row->has_error);
    if (row->has_error)
        EXPECT_EQ(exception_error(event->error), row->error);
    EXPECT_EQ(g->exit.exception.has_handler, has_handler);
    if (row->vector == VECTOR_PF)
        EXPECT_EQ(event->address, row->address);
}

static void before_lidt_the_host_sees_them(struct guest *g)
{
    for (unsigned i = 0; i < EXCEPTION_ROWS; i++) {
        const struct exception_row *row = &exception_rows[i];

        /* INT3 leaves QEMU's TCG as INT n does, which is not an exception to it. */
        if (needs_gdt(row) || (is_svm() && row->vector == VECTOR_BP))
            continue;
        test_row("%s", row->name);
        exception_set_up(g, row);
        exits_with(g, row, false);
        if (row->vector != VECTOR_BP && row->vector != VECTOR_DB)
            EXPECT_EQ(g->vcpu.regs.rip, (uint64_t)row->at);
    }
}

static void handled(struct guest *g, const struct exception_row *row)
{
    struct cpu_state state;

    EXPECT_TRAP(g, row->vector);
    EXPECT_EQ(row->vector == VECTOR_PF ? exception_error((uint32_t)g->trap.error) : g->trap.error,
              row->error);
    EXPECT_EQ(g->trap.rip, (uint64_t)row->at);
    EXPECT_EQ(g->trap.cs, GUEST_CODE_SELECTOR);
    cpu->get_state(&g->vcpu, &state);
    EXPECT_EQ(state.rflags & RFLAGS_IF, 0);
    if (row->vector == VECTOR_PF)
        EXPECT_EQ(state.cr2, row->address);
}

/* An endless #DB stalls the processor: the host sees each, and hands it back. */
static void after_lidt_the_guest_has_them(struct guest *g)
{
    EXPECT(guest_prepare(g));
    for (unsigned i = 0; i < EXCEPTION_ROWS; i++) {
        const struct exception_row *row = &exception_rows[i];

        test_row("%s", row->name);
        exception_set_up(g, row);
        if (row->vector == VECTOR_DB) {
            exits_with(g, row, true);
            EXPECT_EQ(cpu->inject_exception(&g->vcpu, &g->exit.exception.event), 0);
        }
        handled(g, row);
    }
}

/* The handler may mend what was wrong: the instruction is run again, once. */
static void a_mended_page_fault_goes_on(struct guest *g)
{
    const struct exception_row *row = &exception_rows[EXCEPTION_WRITE];

    EXPECT(guest_prepare(g));
    exception_set_up(g, row);
    handled(g, row);
    *guest_entry(g, row->address, 1) |= PTE_W | PTE_U;
    g->vcpu.regs.rbx = 0x55aa;
    EXPECT_POINT(g, 1);
    EXPECT_EQ(*(uint64_t *)guest_at(g, row->address), 0x55aa);
}

static void floating_point(struct guest *g, const uint8_t *code, const uint8_t *at, uint8_t vector)
{
    EXPECT(guest_prepare(g));
    guest_start(g, code);
    guest_run(g);
    if (g->exit.reason == CPU_EXIT_IO && g->exit.io.port == GUEST_PORT_POINT + 1)
        SKIP("this emulator raises none");
    guest_start(g, code);
    EXPECT_TRAP(g, vector);
    EXPECT_EQ(g->trap.rip, (uint64_t)at);
}

static void x87_error(struct guest *g)
{
    floating_point(g, guest_mf, guest_mf_at, VECTOR_MF);
}

static void sse_error(struct guest *g)
{
    floating_point(g, guest_xm, guest_xm_at, VECTOR_XM);
}

static void software_interrupt(struct guest *g)
{
    guest_start(g, guest_int_n);
    EXPECT_EXIT(g, CPU_EXIT_EXCEPTION); /* no IDT yet */
    EXPECT_EQ(g->exit.exception.event.vector, VECTOR_GP);
    EXPECT_EQ(g->exit.exception.event.error, exception_no_gate(0x30, false));
    guest_destroy(g);
    EXPECT(guest_create(g) && guest_prepare(g));
    guest_start(g, guest_int_n);
    EXPECT_TRAP(g, 0x30);
    EXPECT_EQ(g->trap.rip, (uint64_t)guest_int_n_after);
    EXPECT_POINT(g, 1);
}

/* One byte that raises #DB. */
static void int1(struct guest *g)
{
    EXPECT(guest_prepare(g));
    guest_start(g, guest_int1);
    guest_run(g);
    if (is_svm() && g->exit.reason == CPU_EXIT_IO)
        SKIP("to this emulator it is undefined");
    EXPECT_EQ(g->exit.reason, CPU_EXIT_EXCEPTION);
    EXPECT_EQ(g->exit.exception.event.vector, VECTOR_DB);
    EXPECT(g->exit.exception.has_handler);
}

static void ring_3(struct guest *g)
{
    EXPECT(guest_prepare(g));
    guest_start(g, guest_user);
    EXPECT_EXIT(g, CPU_EXIT_CPUID);
    EXPECT_EQ(g->vcpu.regs.rip, (uint64_t)guest_user_cpuid);
    guest_skip(g);
    EXPECT_TRAP(g, VECTOR_GP); /* HLT is not for ring 3 */
    EXPECT_EQ(g->trap.rip, (uint64_t)guest_user_hlt);
    EXPECT_EQ(g->trap.cs, GUEST_USER_CODE);
    EXPECT_EQ(g->trap.ss, GUEST_USER_DATA);
    EXPECT_EQ(g->trap.rsp, GUEST_STACK_TOP);
}

static void alignment_check_is_seen_by_the_host(struct guest *g)
{
    struct cpu_state state;

    EXPECT(guest_prepare(g));
    guest_start(g, guest_ac);
    cpu->get_state(&g->vcpu, &state);
    state.cr0 |= CR0_AM;
    cpu->set_state(&g->vcpu, &state);
    guest_run(g);
    if (g->exit.reason == CPU_EXIT_EXCEPTION && g->exit.exception.event.vector == VECTOR_GP)
        SKIP("OUT is not for ring 3: this emulator does not check alignment");
    if (g->exit.reason == CPU_EXIT_IO)
        SKIP("this emulator does not check alignment");
    EXPECT_EQ(g->exit.reason, CPU_EXIT_EXCEPTION);
    EXPECT_EQ(g->exit.exception.event.vector, VECTOR_AC);
    EXPECT(g->exit.exception.event.has_error);
    EXPECT(g->exit.exception.has_handler);
    EXPECT_EQ(cpu->inject_exception(&g->vcpu, &g->exit.exception.event), 0);
    EXPECT_TRAP(g, VECTOR_AC);
    EXPECT_EQ(g->trap.rip, (uint64_t)guest_ac_at);
    EXPECT_EQ(g->trap.error, 0);
}

/* The gate is there, but not present: #NP. */
static void remove_gate(struct guest *g, unsigned vector)
{
    uint8_t *gate = guest_at(g, GUEST_IDT + vector * 16);

    gate[5] &= 0x7f;
}

/* #UD has no gate, which is #NP; that has none either, which is #DF. */
static void double_fault(struct guest *g)
{
    EXPECT(guest_prepare(g));
    remove_gate(g, VECTOR_UD);
    remove_gate(g, VECTOR_NP);
    guest_start(g, guest_ud);
    EXPECT_TRAP(g, VECTOR_DF);
    EXPECT_EQ(g->trap.error, 0);
    EXPECT_EQ(g->trap.rip, (uint64_t)guest_ud);
}

static void triple_fault(struct guest *g)
{
    EXPECT(guest_prepare(g));
    remove_gate(g, VECTOR_GP);
    remove_gate(g, VECTOR_NP);
    remove_gate(g, VECTOR_DF);
    guest_start(g, guest_gp);
    EXPECT_EXIT(g, CPU_EXIT_TRIPLE_FAULT);
}

/* A gate that wants a stack of a TSS too short to have one. */
static void invalid_tss(struct guest *g)
{
    uint8_t *gate = guest_at(g, GUEST_IDT + VECTOR_UD * 16);
    uint64_t *tss = guest_at(g, GUEST_TABLES + GUEST_TSS_SELECTOR);

    EXPECT(guest_prepare(g));
    gate[4] = 7;
    *tss = (*tss & ~0xffffull & ~(2ull << 40)) | 0x3b;
    guest_start(g, guest_prologue_ltr);
    EXPECT_POINT(g, 0);
    guest_start(g, guest_ud);
    EXPECT_TRAP(g, VECTOR_TS);
    EXPECT_EQ(g->trap.error & ~1ull, GUEST_TSS_SELECTOR); /* bit 0: during another event */
}

static const struct test_case cases[] = {
    CASE(before_lidt_the_host_sees_them),
    CASE(after_lidt_the_guest_has_them),
    CASE(a_mended_page_fault_goes_on),
    CASE(x87_error),
    CASE(sse_error),
    CASE(software_interrupt),
    CASE(int1),
    CASE(ring_3),
    CASE(alignment_check_is_seen_by_the_host),
    CASE(double_fault),
    CASE(triple_fault),
    CASE(invalid_tss),
};

GROUP(exceptions);

/* SPDX-License-Identifier: MIT */
/* The guest on the bare machine with an interrupt table of its own: what is delivered through it.
 */
#include <errno.h>
#include "kernel/cpu/native.h"
#include "kernel/percpu.h"
#include "kernel/trap.h"
#include "tests/cpu/exceptions.h"
#include "tests/cpu/native.h"

#define RFLAGS_RF  0x10000ull
#define VECTOR_IRQ 0x50
#define GATES      256u
#define PF_W       2u

#define DECLARE(name) extern const uint8_t guest_##name[]
DECLARE(native_handler);
DECLARE(native_handler_error);
DECLARE(native_late_sti);
DECLARE(native_late_sti_at);
DECLARE(native_lidt);
DECLARE(native_nothing);
DECLARE(native_spin);
DECLARE(native_write);

/* As the processor pushes it, and native_event.c in its place. */
struct pushed {
    uint64_t rip, cs, rflags, rsp, ss;
};

/* A table of the guest's own, which the hypervisor learns of at the next call. */
static void load_idt(struct guest *g)
{
    struct trap_gate *gates = guest_at(g, GUEST_IDT);
    struct native_register *idtr = guest_at(g, GUEST_TABLES);

    for (unsigned i = 0; i < GATES; i++)
        trap_gate_set(&gates[i],
                      (uint64_t)(i == VECTOR_GP || i == VECTOR_PF ? guest_native_handler_error
                                                                  : guest_native_handler),
                      0);
    *idtr = (struct native_register){.limit = GATES * sizeof gates[0] - 1, .base = GUEST_IDT};
    guest_start(g, guest_native_lidt);
    test_exit(__FILE__, __LINE__, g, CPU_EXIT_HYPERCALL);
}

/* The guest's handler has called, with the frame on its stack. */
static void is_in_handler(struct guest *g, const uint8_t *from, uint64_t flags, bool has_error)
{
    struct cpu_state state;
    const uint64_t *stack;
    const struct pushed *p;

    EXPECT_EXIT(g, CPU_EXIT_HYPERCALL);
    state = state_of(g);
    stack = guest_at(g, state.rsp);
    p = (const struct pushed *)(has_error ? stack + 1 : stack);
    EXPECT_EQ(state.rsp, GUEST_STACK_TOP - sizeof *p - (has_error ? 8 : 0));
    EXPECT_EQ(p->rip, (uint64_t)from);
    EXPECT_EQ(p->cs, SELECTOR_CODE);
    EXPECT_EQ(p->rflags & ~RFLAGS_RF, flags | RFLAGS_ONE); /* QEMU's TCG sets none */
    EXPECT_EQ(p->rsp, GUEST_STACK_TOP);
    EXPECT_EQ(p->ss, SELECTOR_DATA);
    EXPECT_EQ(state.rflags & RFLAGS_IF, 0);
}

static void exceptions_of_its_own(struct guest *g)
{
    load_idt(g);
    guest_start(g, guest_native_write);
    g->vcpu.regs.rax = 8;
    EXPECT_EXIT(g, CPU_EXIT_EXCEPTION);
    EXPECT(g->exit.exception.has_handler);
    EXPECT_EQ(cpu->inject_exception(&g->vcpu, &g->exit.exception.event), 0);
    EXPECT_EQ(cpu->inject_exception(&g->vcpu, &g->exit.exception.event), -EBUSY);
    is_in_handler(g, guest_native_write, 0, true);
    EXPECT_EQ(*(uint64_t *)guest_at(g, state_of(g).rsp), PF_W);
    EXPECT_EQ(state_of(g).cr2, 8);
    g->vcpu.regs.rax = GUEST_DATA; /* mended: the instruction is run again */
    g->vcpu.regs.rbx = 0x55aa;
    EXPECT_EXIT(g, CPU_EXIT_HYPERCALL);
    EXPECT_EQ(*(uint64_t *)guest_at(g, GUEST_DATA), 0x55aa);
    EXPECT_EQ(state_of(g).rsp, GUEST_STACK_TOP);
}

/* However often it is left, LIDT holds only until then: the host's tick still ends a spin. */
static void the_tick_comes_after_lidt(struct guest *g)
{
    load_idt(g);
    guest_start(g, guest_native_spin);
    set_flags(g, RFLAGS_IF);
    cpu->run(&g->vcpu, &g->exit);
    EXPECT_EQ(g->exit.reason, CPU_EXIT_HOST_INTERRUPT);
}

static void an_interrupt_is_delivered(struct guest *g)
{
    load_idt(g);
    guest_start(g, guest_native_nothing);
    set_flags(g, FLAGS | RFLAGS_IF);
    cpu->request_interrupt(&g->vcpu, VECTOR_IRQ);
    EXPECT(cpu->interrupt_pending(&g->vcpu));
    is_in_handler(g, guest_native_nothing, FLAGS | RFLAGS_IF, false);
    EXPECT(!cpu->interrupt_pending(&g->vcpu));
    EXPECT_EXIT(g, CPU_EXIT_HYPERCALL); /* where it was interrupted, and once */
    EXPECT_EQ(state_of(g).rsp, GUEST_STACK_TOP);
    EXPECT_EQ(state_of(g).rflags, FLAGS | RFLAGS_IF | RFLAGS_ONE);
}

static void an_interrupt_waits_for_if(struct guest *g)
{
    test_ticks(false);
    load_idt(g);
    guest_start(g, guest_native_late_sti);
    EXPECT_EXIT(g, CPU_EXIT_HYPERCALL);
    cpu->request_interrupt(&g->vcpu, VECTOR_IRQ);
    EXPECT_EXIT(g, CPU_EXIT_HYPERCALL);
    EXPECT(cpu->interrupt_pending(&g->vcpu));
    cpu->request_interrupt(&g->vcpu, VECTOR_IRQ); /* two are one */
    is_in_handler(g, guest_native_late_sti_at, RFLAGS_IF, false);
    test_ticks(true);
}

/* Not before there is a table, whatever RFLAGS.IF is on this machine. */
static void an_interrupt_waits_for_a_table(struct guest *g)
{
    guest_start(g, guest_native_nothing);
    set_flags(g, RFLAGS_IF);
    cpu->request_interrupt(&g->vcpu, VECTOR_IRQ);
    EXPECT_EXIT(g, CPU_EXIT_HYPERCALL);
    EXPECT_EQ(state_of(g).rsp, GUEST_STACK_TOP);
    EXPECT(cpu->interrupt_pending(&g->vcpu));
}

static const struct cpu_exception ud = {.vector = VECTOR_UD};

static void cannot_be_delivered(struct guest *g)
{
    guest_start(g, guest_native_nothing);
    EXPECT_EQ(cpu->inject_exception(&g->vcpu, &ud), 0);
    EXPECT_EXIT(g, CPU_EXIT_TRIPLE_FAULT);
}

static void a_bad_table_is_a_triple_fault(struct guest *g)
{
    struct trap_gate *gate = guest_at(g, GUEST_IDT + VECTOR_UD * sizeof *gate);
    struct native_vcpu *n = g->vcpu.backend;
    struct cpu_state state;

    test_row("no table");
    cannot_be_delivered(g);
    load_idt(g);
    test_row("not present");
    gate->type &= 0x7f;
    cannot_be_delivered(g);
    test_row("another segment");
    trap_gate_set(gate, (uint64_t)guest_native_handler, 0);
    gate->selector = SELECTOR_DATA;
    cannot_be_delivered(g);
    test_row("a call gate");
    gate->selector = SELECTOR_CODE;
    gate->type = 0x8c;
    cannot_be_delivered(g);
    test_row("the limit");
    gate->type = 0x8e;
    n->idt.limit = VECTOR_UD * sizeof *gate + sizeof *gate - 2;
    cannot_be_delivered(g);
    test_row("the table's place");
    n->idt = (struct native_register){.limit = 0xfff, .base = 1ull << 62 | 1};
    cannot_be_delivered(g);
    test_row("the stack");
    n->idt.base = GUEST_IDT;
    guest_start(g, guest_native_nothing);
    state = state_of(g);
    state.rsp = GUEST_RAM;
    cpu->set_state(&g->vcpu, &state);
    EXPECT_EQ(cpu->inject_exception(&g->vcpu, &ud), 0);
    EXPECT_EXIT(g, CPU_EXIT_TRIPLE_FAULT);
}

static const struct test_case cases[] = {
    NATIVE_CASE(exceptions_of_its_own),          NATIVE_CASE(the_tick_comes_after_lidt),
    NATIVE_CASE(an_interrupt_is_delivered),      NATIVE_CASE(an_interrupt_waits_for_if),
    NATIVE_CASE(an_interrupt_waits_for_a_table), NATIVE_CASE(a_bad_table_is_a_triple_fault),
};

GROUP(native_events);

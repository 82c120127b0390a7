/* SPDX-License-Identifier: MIT */
/* Events on their way into the guest: delivered exactly once, whatever gets in between. */
#include <errno.h>
#include "kernel/x86.h"
#include "tests/cpu/exceptions.h"
#include "tests/cpu/test.h"

#define VECTOR_IRQ   0x50
#define ABSENT_STACK 0x20001000ull
#define RIGHTS_ALL   (NESTED_READ | NESTED_WRITE | NESTED_EXEC)

#define DECLARE(name) extern const uint8_t guest_##name[]
DECLARE(nothing);
DECLARE(raise_bp);
DECLARE(raise_bp_after);
DECLARE(raise_int);
DECLARE(raise_int_after);
DECLARE(raise_ud);
DECLARE(wait_here);
DECLARE(wait_here_at);

static const struct cpu_exception ud = {.vector = VECTOR_UD};
static const struct cpu_exception gp = {.vector = VECTOR_GP, .has_error = true, .error = 0x5678};
static const struct cpu_exception pf = {
    .vector = VECTOR_PF, .has_error = true, .error = 6, .address = 0x123456789abc};

/* After the handler the guest comes to its point: nothing is delivered a second time. */
static void arrives(struct guest *g, const struct cpu_exception *e, const uint8_t *at)
{
    struct cpu_state state;

    EXPECT_TRAP(g, e->vector);
    EXPECT_EQ(g->trap.error, e->error);
    EXPECT_EQ(g->trap.rip, (uint64_t)at);
    cpu->get_state(&g->vcpu, &state);
    if (e->vector == VECTOR_PF)
        EXPECT_EQ(state.cr2, e->address);
}

static void each_kind_arrives_once(struct guest *g)
{
    const struct cpu_exception *const kinds[] = {&ud, &gp, &pf};

    EXPECT(guest_prepare(g));
    for (unsigned i = 0; i < 3; i++) {
        test_row("vector %u", kinds[i]->vector);
        guest_start(g, guest_nothing);
        EXPECT_EQ(cpu->inject_exception(&g->vcpu, kinds[i]), 0);
        arrives(g, kinds[i], guest_nothing);
        EXPECT_POINT(g, 1);
    }
}

static void one_at_a_time(struct guest *g)
{
    EXPECT(guest_prepare(g));
    guest_start(g, guest_nothing);
    EXPECT_EQ(cpu->inject_exception(&g->vcpu, &ud), 0);
    EXPECT_EQ(cpu->inject_exception(&g->vcpu, &gp), -EBUSY);
    EXPECT_EQ(cpu->inject_exception(&g->vcpu, &ud), -EBUSY);
    arrives(g, &ud, guest_nothing);
    EXPECT_EQ(cpu->inject_exception(&g->vcpu, &gp), 0); /* inside the handler */
    EXPECT_TRAP(g, VECTOR_GP);
    EXPECT_POINT(g, 1);
}

/* No IDT: the delivery itself is what fails. */
static void without_handlers_the_host_sees_what_became_of_it(struct guest *g)
{
    guest_start(g, guest_nothing);
    EXPECT_EQ(cpu->inject_exception(&g->vcpu, &ud), 0);
    EXPECT_EXIT(g, CPU_EXIT_EXCEPTION);
    EXPECT_EQ(g->exit.exception.event.vector, VECTOR_GP);
    EXPECT_EQ(g->exit.exception.event.error, exception_no_gate(VECTOR_UD, true));
    EXPECT(!g->exit.exception.has_handler);
    EXPECT_EQ(cpu->inject_exception(&g->vcpu, &g->exit.exception.event), -EBUSY);
}

/* The delivery of what is under way meets a page that is not there. Until that is mended, no other
 * event has room. */
static void is_interrupted_at(struct guest *g, uint64_t page, enum cpu_access access)
{
    EXPECT_EXIT(g, CPU_EXIT_NESTED_FAULT);
    EXPECT_EQ(align_down(g->exit.nested.address.v, PAGE_SIZE), page);
    EXPECT_EQ(g->exit.nested.access, access);
    guest_nested_set(g, page, RIGHTS_ALL);
}

static void injected_onto_an_absent_stack(struct guest *g)
{
    const struct cpu_exception *const kinds[] = {&ud, &gp, &pf};

    EXPECT(guest_prepare(g));
    for (unsigned i = 0; i < 3; i++) {
        test_row("vector %u", kinds[i]->vector);
        guest_start(g, guest_nothing);
        guest_nested_set(g, GUEST_STACK, 0);
        EXPECT_EQ(cpu->inject_exception(&g->vcpu, kinds[i]), 0);
        is_interrupted_at(g, GUEST_STACK, CPU_ACCESS_WRITE);
        EXPECT_EQ(cpu->inject_exception(&g->vcpu, &ud), -EBUSY);
        arrives(g, kinds[i], guest_nothing);
        EXPECT_POINT(g, 1);
    }
}

static void injected_through_an_absent_idt(struct guest *g)
{
    EXPECT(guest_prepare(g));
    guest_start(g, guest_nothing);
    guest_nested_set(g, GUEST_IDT, 0);
    EXPECT_EQ(cpu->inject_exception(&g->vcpu, &gp), 0);
    is_interrupted_at(g, GUEST_IDT, CPU_ACCESS_READ);
    arrives(g, &gp, guest_nothing);
    EXPECT_POINT(g, 1);
}

/* Twice on its way: the IDT first, and then the stack. */
static void interrupted_twice(struct guest *g)
{
    EXPECT(guest_prepare(g));
    guest_start(g, guest_nothing);
    guest_nested_set(g, GUEST_IDT, 0);
    guest_nested_set(g, GUEST_STACK, NESTED_READ);
    EXPECT_EQ(cpu->inject_exception(&g->vcpu, &pf), 0);
    is_interrupted_at(g, GUEST_IDT, CPU_ACCESS_READ);
    is_interrupted_at(g, GUEST_STACK, CPU_ACCESS_WRITE);
    EXPECT(g->exit.nested.present);
    arrives(g, &pf, guest_nothing);
    EXPECT_POINT(g, 1);
}

/* The same for the guest's own exceptions. */
static void raised_onto_an_absent_stack(struct guest *g)
{
    EXPECT(guest_prepare(g));
    guest_start(g, guest_raise_ud);
    guest_nested_set(g, GUEST_STACK, 0);
    is_interrupted_at(g, GUEST_STACK, CPU_ACCESS_WRITE);
    arrives(g, &ud, guest_raise_ud);
}

/* A software interrupt returns behind its instruction, also when it had to be started twice. */
static void software(struct guest *g, const uint8_t *code, const uint8_t *after, uint8_t vector,
                     uint64_t page, enum cpu_access access)
{
    test_row("vector 0x%x, page 0x%lx", vector, page);
    guest_start(g, code);
    guest_nested_set(g, page, 0);
    is_interrupted_at(g, page, access);
    EXPECT_TRAP(g, vector);
    EXPECT_EQ(g->trap.rip, (uint64_t)after);
    EXPECT_POINT(g, 1);
}

static void software_interrupts(struct guest *g)
{
    EXPECT(guest_prepare(g));
    software(g, guest_raise_int, guest_raise_int_after, 0x40, GUEST_IDT, CPU_ACCESS_READ);
    software(g, guest_raise_int, guest_raise_int_after, 0x40, GUEST_STACK, CPU_ACCESS_WRITE);
    software(g, guest_raise_bp, guest_raise_bp_after, VECTOR_BP, GUEST_IDT, CPU_ACCESS_READ);
    software(g, guest_raise_bp, guest_raise_bp_after, VECTOR_BP, GUEST_STACK, CPU_ACCESS_WRITE);
}

static void an_interrupt_onto_an_absent_stack(struct guest *g)
{
    EXPECT(guest_prepare(g));
    guest_start(g, guest_wait_here);
    guest_nested_set(g, GUEST_STACK, 0);
    cpu->request_interrupt(&g->vcpu, VECTOR_IRQ);
    is_interrupted_at(g, GUEST_STACK, CPU_ACCESS_WRITE);
    EXPECT_TRAP(g, VECTOR_IRQ);
    EXPECT_EQ(g->trap.rip, (uint64_t)guest_wait_here_at);
    EXPECT(!cpu->interrupt_pending(&g->vcpu));
    EXPECT_POINT(g, 1);
}

/* The guest's own tables say that the stack is not there: #PF during #GP is #DF, whose gate has a
 * stack of its own. */
static void fault_during_delivery_is_a_double_fault(struct guest *g)
{
    struct cpu_state state;
    uint8_t *gate;

    EXPECT(guest_prepare(g));
    gate = guest_at(g, GUEST_IDT + VECTOR_DF * 16);
    gate[4] = 1; /* IST */
    guest_start(g, guest_nothing);
    cpu->get_state(&g->vcpu, &state);
    state.rsp = ABSENT_STACK;
    cpu->set_state(&g->vcpu, &state);
    EXPECT_EQ(cpu->inject_exception(&g->vcpu, &gp), 0);
    EXPECT_TRAP(g, VECTOR_DF);
    EXPECT_EQ(g->trap.error, 0);
    EXPECT_EQ(g->trap.rip, (uint64_t)guest_nothing);
    EXPECT_EQ(g->trap.rsp, ABSENT_STACK);
}

static const struct test_case cases[] = {
    CASE(each_kind_arrives_once),
    CASE(one_at_a_time),
    CASE(without_handlers_the_host_sees_what_became_of_it),
    CASE(injected_onto_an_absent_stack),
    CASE(injected_through_an_absent_idt),
    CASE(interrupted_twice),
    CASE(raised_onto_an_absent_stack),
    CASE(software_interrupts),
    CASE(an_interrupt_onto_an_absent_stack),
    CASE(fault_during_delivery_is_a_double_fault),
};

GROUP(inject);

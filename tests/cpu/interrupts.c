/* SPDX-License-Identifier: MIT */
/* The guest's one interrupt: asked for by the host, taken when the guest lets it in, once. */
#include "kernel/x86.h"
#include "tests/cpu/exceptions.h"
#include "tests/cpu/test.h"

#define VECTOR_IRQ 0x50

#define DECLARE(name) extern const uint8_t guest_##name[]
DECLARE(enabled);
DECLARE(enabled_at);
DECLARE(late_sti);
DECLARE(late_sti_at);
DECLARE(mov_ss_exit);
DECLARE(mov_ss_exit_at);
DECLARE(never);
DECLARE(sti_exit);
DECLARE(sti_exit_at);
DECLARE(sti_hlt);
DECLARE(sti_hlt_at);

/* Taken at this instruction, with IF set there and clear in the handler; then nothing is left. */
static void taken_at(struct guest *g, const uint8_t *at)
{
    struct cpu_state state;

    EXPECT_TRAP(g, VECTOR_IRQ);
    EXPECT_EQ(g->trap.rip, (uint64_t)at);
    EXPECT_EQ(g->trap.rflags & RFLAGS_IF, RFLAGS_IF);
    cpu->get_state(&g->vcpu, &state);
    EXPECT_EQ(state.rflags & RFLAGS_IF, 0);
    EXPECT(!cpu->interrupt_pending(&g->vcpu));
}

static void nothing_is_pending_at_first(struct guest *g)
{
    EXPECT(!cpu->interrupt_pending(&g->vcpu));
    EXPECT(guest_prepare(g));
    EXPECT(!cpu->interrupt_pending(&g->vcpu));
}

static void taken_as_soon_as_if_is_set(struct guest *g)
{
    EXPECT(guest_prepare(g));
    guest_start(g, guest_enabled);
    cpu->request_interrupt(&g->vcpu, VECTOR_IRQ);
    EXPECT(cpu->interrupt_pending(&g->vcpu));
    taken_at(g, guest_enabled_at);
    EXPECT_POINT(g, 1);
}

/* Asked for while the guest is outside, with IF set already. */
static void taken_before_the_next_instruction(struct guest *g)
{
    struct cpu_state state;

    EXPECT(guest_prepare(g));
    guest_start(g, guest_enabled_at);
    cpu->get_state(&g->vcpu, &state);
    state.rflags |= RFLAGS_IF;
    cpu->set_state(&g->vcpu, &state);
    cpu->request_interrupt(&g->vcpu, VECTOR_IRQ);
    taken_at(g, guest_enabled_at);
    EXPECT_POINT(g, 1);
}

static void sti_lets_it_in_one_instruction_later(struct guest *g)
{
    EXPECT(guest_prepare(g));
    guest_start(g, guest_late_sti);
    cpu->request_interrupt(&g->vcpu, VECTOR_IRQ);
    EXPECT_POINT(g, 1);
    EXPECT(cpu->interrupt_pending(&g->vcpu));
    taken_at(g, guest_late_sti_at);
    EXPECT_POINT(g, 2);
}

static void never_while_if_is_clear(struct guest *g)
{
    EXPECT(guest_prepare(g));
    guest_start(g, guest_never);
    cpu->request_interrupt(&g->vcpu, VECTOR_IRQ);
    EXPECT_POINT(g, 1);
    EXPECT_POINT(g, 2);
    EXPECT(cpu->interrupt_pending(&g->vcpu));
}

static void two_requests_are_one(struct guest *g)
{
    EXPECT(guest_prepare(g));
    guest_start(g, guest_late_sti);
    cpu->request_interrupt(&g->vcpu, VECTOR_IRQ);
    EXPECT_POINT(g, 1);
    cpu->request_interrupt(&g->vcpu, VECTOR_IRQ);
    taken_at(g, guest_late_sti_at);
    EXPECT_POINT(g, 2);
}

/* Asked for again inside the handler: a second one, when the handler is over. */
static void a_request_in_the_handler_is_another(struct guest *g)
{
    EXPECT(guest_prepare(g));
    guest_start(g, guest_enabled);
    cpu->request_interrupt(&g->vcpu, VECTOR_IRQ);
    taken_at(g, guest_enabled_at);
    cpu->request_interrupt(&g->vcpu, VECTOR_IRQ);
    EXPECT(cpu->interrupt_pending(&g->vcpu));
    taken_at(g, guest_enabled_at);
    EXPECT_POINT(g, 1);
}

static void it_ends_hlt(struct guest *g)
{
    EXPECT(guest_prepare(g));
    guest_start(g, guest_sti_hlt);
    EXPECT_EXIT(g, CPU_EXIT_HLT);
    guest_skip(g);
    cpu->request_interrupt(&g->vcpu, VECTOR_IRQ);
    taken_at(g, guest_sti_hlt_at);
    EXPECT_POINT(g, 1);
}

/* The shadow ends with the instruction that the host has done in the guest's place. */
static void shadow_ends_with_the_instruction(struct guest *g, const uint8_t *code,
                                             const uint8_t *at)
{
    EXPECT(guest_prepare(g));
    guest_start(g, code);
    EXPECT_EXIT(g, CPU_EXIT_CPUID);
    guest_skip(g);
    cpu->request_interrupt(&g->vcpu, VECTOR_IRQ);
    taken_at(g, at);
    EXPECT_POINT(g, 1);
}

static void shadow_of_sti_at_an_exit(struct guest *g)
{
    shadow_ends_with_the_instruction(g, guest_sti_exit, guest_sti_exit_at);
}

static void shadow_of_mov_ss_at_an_exit(struct guest *g)
{
    shadow_ends_with_the_instruction(g, guest_mov_ss_exit, guest_mov_ss_exit_at);
}

/* The exception goes first; its handler runs with IF clear, and the interrupt follows it. */
static void an_exception_goes_first(struct guest *g)
{
    const struct cpu_exception ud = {.vector = VECTOR_UD};
    struct cpu_state state;

    EXPECT(guest_prepare(g));
    guest_start(g, guest_enabled_at);
    cpu->get_state(&g->vcpu, &state);
    state.rflags |= RFLAGS_IF;
    cpu->set_state(&g->vcpu, &state);
    EXPECT_EQ(cpu->inject_exception(&g->vcpu, &ud), 0);
    cpu->request_interrupt(&g->vcpu, VECTOR_IRQ);
    EXPECT_TRAP(g, VECTOR_UD);
    EXPECT(cpu->interrupt_pending(&g->vcpu));
    taken_at(g, guest_enabled_at);
    EXPECT_POINT(g, 1);
}

static const struct test_case cases[] = {
    CASE(nothing_is_pending_at_first),
    CASE(taken_as_soon_as_if_is_set),
    CASE(taken_before_the_next_instruction),
    CASE(sti_lets_it_in_one_instruction_later),
    CASE(never_while_if_is_clear),
    CASE(two_requests_are_one),
    CASE(a_request_in_the_handler_is_another),
    CASE(it_ends_hlt),
    CASE(shadow_of_sti_at_an_exit),
    CASE(shadow_of_mov_ss_at_an_exit),
    CASE(an_exception_goes_first),
};

GROUP(interrupts);

/* SPDX-License-Identifier: MIT */
/* The guest on the bare machine: the way in and the ways out, and what its page table shows it. */
#include "kernel/cpu/native.h"
#include <errno.h>
#include "kernel/apic.h"
#include "kernel/mem.h"
#include "kernel/percpu.h"
#include "kernel/smp.h"
#include "kernel/time.h"
#include "kernel/trap.h"
#include "kernel/x86.h"
#include "tests/cpu/exceptions.h"
#include "tests/cpu/test.h"

#define REGISTERS  15       /* in struct cpu_regs, before rip */
#define FLAGS      0x8d5ull /* CF PF AF ZF SF OF */
#define RFLAGS_DF  0x400ull
#define RFLAGS_AC  0x40000ull
#define RFLAGS_RF  0x10000ull
#define VECTOR_IRQ 0x50
#define GATES      256u
#define PF_P       1u
#define PF_W       2u
#define WAIT_US    3000000
#define SOON_US    1000000

#define DECLARE(name) extern const uint8_t guest_##name[]
DECLARE(native_count);
DECLARE(native_flags);
DECLARE(native_flags_after);
DECLARE(native_fpu);
DECLARE(native_fpu_read);
DECLARE(native_handler);
DECLARE(native_handler_error);
DECLARE(native_late_sti);
DECLARE(native_late_sti_at);
DECLARE(native_lidt);
DECLARE(native_nothing);
DECLARE(native_registers);
DECLARE(native_spin);
DECLARE(native_ud);
DECLARE(native_write);

extern const char native_begin[];

/* As the processor pushes it, and native_event.c in its place. */
struct pushed {
    uint64_t rip, cs, rflags, rsp, ss;
};

static struct cpu_state state_of(const struct guest *g)
{
    struct cpu_state state;

    cpu->get_state(&g->vcpu, &state);
    return state;
}

static void set_flags(struct guest *g, uint64_t flags)
{
    struct cpu_state state = state_of(g);

    state.rflags = flags | RFLAGS_ONE;
    cpu->set_state(&g->vcpu, &state);
}

static void fill(struct guest *g, uint64_t step)
{
    uint64_t *r = (uint64_t *)&g->vcpu.regs;

    for (unsigned i = 0; i < REGISTERS; i++)
        r[i] = step * (i + 1);
}

/* Each is what fill said, and plus times its number. */
static void are(const struct guest *g, uint64_t step, uint64_t plus)
{
    const uint64_t *r = (const uint64_t *)&g->vcpu.regs;

    for (unsigned i = 0; i < REGISTERS; i++) {
        test_row("register %u", i);
        EXPECT_EQ(r[i], step * (i + 1) + plus * (i + 1));
    }
}

static void registers_over_a_call(struct guest *g)
{
    guest_start(g, guest_native_registers);
    fill(g, 0x1111111111111111);
    EXPECT_EXIT(g, CPU_EXIT_HYPERCALL);
    EXPECT_EQ(g->exit.length, 0);
    are(g, 0x1111111111111111, 0);
    EXPECT_EQ(state_of(g).rsp, GUEST_STACK_TOP);
    fill(g, 0x0101010101010100); /* the host's changes arrive */
    EXPECT_EXIT(g, CPU_EXIT_HYPERCALL);
    are(g, 0x0101010101010100, 1);
    EXPECT_EQ(state_of(g).rsp, GUEST_STACK_TOP);
}

static void flags_over_a_call(struct guest *g)
{
    guest_start(g, guest_native_flags);
    set_flags(g, FLAGS | RFLAGS_IF);
    EXPECT_EXIT(g, CPU_EXIT_HYPERCALL);
    EXPECT_EQ(state_of(g).rflags, FLAGS | RFLAGS_IF | RFLAGS_ONE);
    EXPECT_EQ(g->vcpu.regs.rip, (uint64_t)guest_native_flags_after);
    set_flags(g, FLAGS);
    g->vcpu.regs.rbx = RFLAGS_DF | RFLAGS_AC | RFLAGS_ONE;
    EXPECT_EXIT(g, CPU_EXIT_HYPERCALL);
    EXPECT_EQ(g->vcpu.regs.rax, FLAGS | RFLAGS_ONE);
    EXPECT_EQ(state_of(g).rflags, RFLAGS_DF | RFLAGS_AC | RFLAGS_ONE);
}

/* None of the guest's flags, tables and stacks is the host's afterwards. */
static void the_host_is_back(struct guest *g)
{
    struct native_register before[2] = {{0}}, after[2] = {{0}};
    uint64_t cr3 = read_cr3(), flags;

    __asm__ volatile("sidt %0; sgdt %1" : "=m"(before[0]), "=m"(before[1]));
    guest_start(g, guest_native_flags_after);
    g->vcpu.regs.rbx = RFLAGS_DF | RFLAGS_AC | RFLAGS_IF | RFLAGS_ONE;
    cpu->run(&g->vcpu, &g->exit);
    flags = interrupts_save();
    __asm__ volatile("sidt %0; sgdt %1" : "=m"(after[0]), "=m"(after[1]));
    EXPECT_EQ(flags & (RFLAGS_DF | RFLAGS_AC | RFLAGS_IF), 0);
    EXPECT_EQ(after[0].base, before[0].base);
    EXPECT_EQ(after[1].base, before[1].base);
    EXPECT_EQ(read_cr3(), cr3);
}

/* The host's tick; straight from the backend: guest_run would go on. */
static void registers_over_an_interrupt(struct guest *g)
{
    guest_start(g, guest_native_spin);
    set_flags(g, FLAGS | RFLAGS_IF);
    fill(g, 0x1111111111111111);
    for (unsigned i = 0; i < 3; i++) {
        cpu->run(&g->vcpu, &g->exit);
        EXPECT_EQ(g->exit.reason, CPU_EXIT_HOST_INTERRUPT);
        EXPECT_EQ(g->exit.raw, TRAP_TIMER);
        are(g, 0x1111111111111111, 0);
        EXPECT_EQ(g->vcpu.regs.rip, (uint64_t)guest_native_spin);
        EXPECT_EQ(state_of(g).rflags, FLAGS | RFLAGS_IF | RFLAGS_ONE);
        EXPECT_EQ(state_of(g).rsp, GUEST_STACK_TOP);
    }
}

static void set_fpu(struct guest *g, uint64_t value)
{
    guest_start(g, guest_native_fpu);
    g->vcpu.regs.rax = value;
    g->vcpu.regs.rbx = ~value;
    EXPECT_EXIT(g, CPU_EXIT_HYPERCALL);
}

static void has_fpu(struct guest *g, uint64_t first, uint64_t last)
{
    guest_start(g, guest_native_fpu_read);
    EXPECT_EXIT(g, CPU_EXIT_HYPERCALL);
    EXPECT_EQ(g->vcpu.regs.rax, first);
    EXPECT_EQ(g->vcpu.regs.rbx, last);
}

static void two_guests_have_their_own_fpu(struct guest *g)
{
    struct guest other;

    if (guest_create(&other)) {
        has_fpu(g, 0, 0);
        set_fpu(g, 0x2040);
        has_fpu(&other, 0, 0);
        set_fpu(&other, 0x4001);
        has_fpu(g, 0x2040, ~0x2040ull);
        has_fpu(&other, 0x4001, ~0x4001ull);
    }
    guest_destroy(&other);
}

static void is_exception(struct guest *g, uint8_t vector, uint32_t error, uint64_t address)
{
    EXPECT_EXIT(g, CPU_EXIT_EXCEPTION);
    EXPECT_EQ(g->exit.exception.event.vector, vector);
    EXPECT_EQ(g->exit.exception.event.error, error);
    EXPECT_EQ(g->exit.exception.event.address, address);
    EXPECT(!g->exit.exception.has_handler);
}

static void is_refused(struct guest *g, uint64_t address, uint32_t error)
{
    test_row("address 0x%lx", address);
    guest_start(g, guest_native_write);
    g->vcpu.regs.rax = address;
    is_exception(g, VECTOR_PF, error, address);
    EXPECT_EQ(g->vcpu.regs.rip, (uint64_t)guest_native_write);
}

static void exceptions_are_reported(struct guest *g)
{
    guest_start(g, guest_native_ud);
    is_exception(g, VECTOR_UD, 0, 0);
    guest_start(g, guest_native_write);
    g->vcpu.regs.rax = 1ull << 63;
    is_exception(g, VECTOR_GP, 0, 0);
    is_refused(g, 8, PF_W);
}

/* On a stack that is not there: the hypervisor's own is taken. */
static void a_full_stack_is_a_page_fault(struct guest *g)
{
    struct cpu_state state;

    guest_start(g, guest_native_nothing);
    state = state_of(g);
    state.rsp = GUEST_RAM;
    cpu->set_state(&g->vcpu, &state);
    is_exception(g, VECTOR_PF, PF_W, GUEST_RAM - 8);
}

/* Of the hypervisor it finds what the switch needs, and can write to one page of it. */
static void the_hypervisor_is_out_of_reach(struct guest *g)
{
    const struct native_vcpu *n = g->vcpu.backend;
    hpa_t own = virt_to_phys(n->context), text = hpa((uint64_t)native_begin);

    is_refused(g, (uint64_t)&cpus, PF_W);
    is_refused(g, (uint64_t)n, PF_W);
    is_refused(g, g->ram.v, PF_W);
    is_refused(g, nested_root(g->nested).v, PF_W);
    is_refused(g, n->context->idt.base, PF_W | PF_P);
    is_refused(g, (uint64_t)percpus, PF_W | PF_P);
    is_refused(g, text.v, PF_W | PF_P);
    test_row("shares");
    EXPECT(cpu->shares(&g->vcpu, own, true));
    EXPECT(cpu->shares(&g->vcpu, text, false));
    EXPECT(!cpu->shares(&g->vcpu, text, true));
    EXPECT(!cpu->shares(&g->vcpu, virt_to_phys(n), false));
    EXPECT(!cpu->shares(&g->vcpu, hpa(own.v + PAGE_SIZE), false));
}

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

static volatile uint32_t nmis;

static void serve_nmi(struct trap_frame *frame)
{
    (void)frame;
    nmis += smp_cpu() == 0;
}

/* Once the guest counts, which it does only inside. */
static void send_nmi(void *arg)
{
    const volatile uint64_t *count = guest_at(arg, GUEST_DATA);
    uint64_t before = *count, end = deadline_us(SOON_US);

    while (*count == before && !deadline_passed(end))
        cpu_pause();
    apic_send_nmi(percpus[0].apic_id);
}

/* With interrupts off, which hold everything else back. The second one comes only if the first no
 * longer blocks it. */
static void an_nmi_ends_any_spin(struct guest *g)
{
    trap_set_handler(TRAP_NMI, serve_nmi);
    guest_start(g, guest_native_count);
    fill(g, 0x1111111111111111);
    for (unsigned i = 1; i <= 3; i++) {
        test_row("NMI %u", i);
        nmis = 0;
        EXPECT_EQ(smp_post(1, send_nmi, g), 0);
        cpu->run(&g->vcpu, &g->exit);
        EXPECT_EQ(smp_wait(1, WAIT_US), 0);
        EXPECT_EQ(g->exit.reason, CPU_EXIT_HOST_NMI);
        EXPECT_EQ(nmis, 1);
        are(g, 0x1111111111111111, 0);
    }
}

#define STORM 20000u

static void storm(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < STORM; i++) {
        apic_send_nmi(percpus[0].apic_id);
        for (unsigned j = 0; j < i % 64; j++)
            cpu_pause();
    }
}

/* In the middle of the switch, too: no call is lost, no register changed. */
static void a_storm_of_nmis(struct guest *g)
{
    const struct mailbox *box = &percpus[1].mailbox;
    uint64_t calls = 0;

    trap_set_handler(TRAP_NMI, serve_nmi);
    nmis = 0;
    EXPECT_EQ(smp_post(1, storm, NULL), 0);
    while (box->state != MAILBOX_DONE) {
        guest_start(g, guest_native_registers);
        fill(g, 0x1111111111111111 + calls);
        do
            cpu->run(&g->vcpu, &g->exit);
        while (g->exit.reason == CPU_EXIT_HOST_NMI);
        if (g->exit.reason != CPU_EXIT_HYPERCALL)
            break;
        are(g, 0x1111111111111111 + calls, 0);
        calls++;
    }
    EXPECT_EQ(smp_wait(1, WAIT_US), 0);
    EXPECT_EQ(g->exit.reason, CPU_EXIT_HYPERCALL);
    EXPECT(calls > 0);
    EXPECT(nmis > 0);
}

#define NATIVE_CASE(fn) CASE_OF("native", fn)
#define NATIVE_CPUS(n, fn)                                     \
    {                                                          \
        .name = #fn, .run = fn, .backend = "native", .cpus = n \
    }
static const struct test_case cases[] = {
    NATIVE_CASE(registers_over_a_call),
    NATIVE_CASE(flags_over_a_call),
    NATIVE_CASE(the_host_is_back),
    NATIVE_CASE(registers_over_an_interrupt),
    NATIVE_CASE(two_guests_have_their_own_fpu),
    NATIVE_CASE(exceptions_are_reported),
    NATIVE_CASE(a_full_stack_is_a_page_fault),
    NATIVE_CASE(the_hypervisor_is_out_of_reach),
    NATIVE_CASE(exceptions_of_its_own),
    NATIVE_CASE(the_tick_comes_after_lidt),
    NATIVE_CASE(an_interrupt_is_delivered),
    NATIVE_CASE(an_interrupt_waits_for_if),
    NATIVE_CASE(an_interrupt_waits_for_a_table),
    NATIVE_CASE(a_bad_table_is_a_triple_fault),
    NATIVE_CPUS(2, an_nmi_ends_any_spin),
    NATIVE_CPUS(2, a_storm_of_nmis),
};

GROUP(native);

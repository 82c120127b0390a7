/* SPDX-License-Identifier: MIT */
/* The guest on the bare machine: the way in and the ways out, and what its page table shows it. */
#include "kernel/cpu/native.h"
#include "kernel/apic.h"
#include "kernel/mem.h"
#include "kernel/percpu.h"
#include "kernel/smp.h"
#include "kernel/time.h"
#include "kernel/trap.h"
#include "kernel/x86.h"
#include "tests/cpu/exceptions.h"
#include "tests/cpu/native.h"
#include "tests/cpu/test.h"

#define REGISTERS 15 /* in struct cpu_regs, before rip */
#define RFLAGS_DF 0x400ull
#define RFLAGS_AC 0x40000ull
#define PF_P      1u
#define PF_W      2u
#define WAIT_US   3000000
#define SOON_US   1000000

#define DECLARE(name) extern const uint8_t guest_##name[]
DECLARE(native_count);
DECLARE(native_flags);
DECLARE(native_flags_after);
DECLARE(native_fpu);
DECLARE(native_fpu_read);
DECLARE(native_nothing);
DECLARE(native_registers);
DECLARE(native_spin);
DECLARE(native_ud);
DECLARE(native_write);

extern const char native_begin[];

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
    NATIVE_CPUS(2, an_nmi_ends_any_spin),
    NATIVE_CPUS(2, a_storm_of_nmis),
};

GROUP(native);

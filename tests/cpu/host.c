/* SPDX-License-Identifier: MIT */
/* What is the host's own while a guest runs: its timer, another CPU's interrupts, NMIs. */
#include "kernel/apic.h"
#include "kernel/percpu.h"
#include "kernel/smp.h"
#include "kernel/time.h"
#include "kernel/trap.h"
#include "kernel/x86.h"
#include "tests/cpu/test.h"

#define WAIT_US 3000000
#define SOON_US 1000000

#define DECLARE(name) extern const uint8_t guest_##name[]
DECLARE(count);
DECLARE(spin);
DECLARE(spin_enabled);
DECLARE(spin_enabled_at);

static volatile uint32_t seen; /* by the host's own handler */

static void serve(struct trap_frame *frame)
{
    if (smp_cpu() == 0)
        seen++;
    if (frame->vector != TRAP_NMI)
        apic_eoi();
}

/* Straight from the backend: guest_run would go on. */
static void leaves_for_the_timer(struct guest *g, const uint8_t *code, const uint8_t *at)
{
    guest_start(g, code);
    trap_set_handler(TRAP_TIMER, serve);
    for (uint32_t i = 1; i <= 3; i++) {
        seen = 0;
        cpu->run(&g->vcpu, &g->exit);
        EXPECT_EQ(g->exit.reason, CPU_EXIT_HOST_INTERRUPT);
        EXPECT_EQ(g->exit.length, 0);
        EXPECT_EQ(g->vcpu.regs.rip, (uint64_t)at);
    }
}

static void the_timer_ends_a_spin_with_interrupts_off(struct guest *g)
{
    leaves_for_the_timer(g, guest_spin, guest_spin);
}

static void the_timer_ends_a_spin_with_interrupts_on(struct guest *g)
{
    leaves_for_the_timer(g, guest_spin_enabled, guest_spin_enabled_at);
    EXPECT(seen >=
           1); /* served when run() returns; a busy machine may have let two come together */
}

/* Once the guest counts, which it does only inside. */
static void wait_until_inside(struct guest *g)
{
    const volatile uint64_t *count = guest_at(g, GUEST_DATA);
    uint64_t before = *count, end = deadline_us(SOON_US);

    while (*count == before && !deadline_passed(end))
        cpu_pause();
}

static void send_interrupt(void *arg)
{
    wait_until_inside(arg);
    apic_send_vector(percpus[0].apic_id, TRAP_CALL);
}

static void send_nmi(void *arg)
{
    wait_until_inside(arg);
    apic_stop_others();
}

/* One event from the other CPU ends the run, and no other does. */
static void leaves_for_the_other(struct guest *g, void (*send)(void *), enum cpu_exit_reason reason)
{
    seen = 0;
    guest_start(g, guest_count);
    EXPECT_EQ(smp_post(1, send, g), 0);
    cpu->run(&g->vcpu, &g->exit);
    EXPECT_EQ(smp_wait(1, WAIT_US), 0);
    EXPECT_EQ(g->exit.reason, reason);
    EXPECT_EQ(seen, 1);
}

static void interrupt_of_another_cpu(struct guest *g)
{
    trap_set_handler(TRAP_CALL, serve);
    test_ticks(false);
    for (unsigned i = 1; i <= 2; i++) {
        test_row("interrupt %u", i);
        leaves_for_the_other(g, send_interrupt, CPU_EXIT_HOST_INTERRUPT);
    }
    test_ticks(true);
}

/* The second one comes only if the first no longer blocks it. */
static void nmi_of_another_cpu(struct guest *g)
{
    trap_set_handler(TRAP_NMI, serve);
    test_ticks(false);
    for (unsigned i = 1; i <= 3; i++) {
        test_row("NMI %u", i);
        leaves_for_the_other(g, send_nmi, CPU_EXIT_HOST_NMI);
        EXPECT_EQ(g->exit.raw, is_svm() ? 0x61 : 0);
    }
    test_ticks(true);
}

static const struct test_case cases[] = {
    CASE(the_timer_ends_a_spin_with_interrupts_off),
    CASE(the_timer_ends_a_spin_with_interrupts_on),
    CASE_CPUS(2, interrupt_of_another_cpu),
    CASE_CPUS(2, nmi_of_another_cpu),
};

GROUP(host);

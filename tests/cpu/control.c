/* SPDX-License-Identifier: MIT */
/* Writes to registers and instructions that a guest must not execute: CPU_EXIT_CONTROL, with words,
 * before anything has happened. */
#include "kernel/x86.h"
#include "tests/cpu/test.h"

#define VECTOR_UD   6
#define CR0_INITIAL 0x80010033ull /* PG WP NE ET MP PE: cpu.h's entry state */
#define CR4_INITIAL 0x620ull      /* PAE OSFXSR OSXMMEXCPT */
#define CR4_OSXSAVE (1ull << 18)

#define DECLARE(name) extern const uint8_t guest_##name[]
DECLARE(write_cr0);
DECLARE(write_cr4);
DECLARE(write_cr8);
DECLARE(clts);
DECLARE(lmsw);
DECLARE(read_dr0);
DECLARE(write_dr7);
DECLARE(read_dr6);
DECLARE(xsetbv);
DECLARE(xsetbv_itself);
DECLARE(invd);
DECLARE(wbinvd);
DECLARE(monitor);
DECLARE(monitor_itself);
DECLARE(mwait);
DECLARE(mwait_itself);
DECLARE(rdpmc);
DECLARE(rdpmc_itself);
DECLARE(rsm);
DECLARE(read_control);

/* rip: of the instruction itself. */
static void denied(struct guest *g, const uint8_t *code, const uint8_t *rip, const char *words)
{
    guest_start(g, code);
    EXPECT_EXIT(g, CPU_EXIT_CONTROL);
    EXPECT_WORDS(g->exit.what, words);
    EXPECT_EQ(g->vcpu.regs.rip, (uint64_t)rip);
}

static void reads_control(struct guest *g)
{
    guest_start(g, guest_read_control);
    EXPECT_POINT(g, 1);
    EXPECT_EQ(g->vcpu.regs.rbx, CR0_INITIAL);
    EXPECT_EQ(g->vcpu.regs.rsi, CR4_INITIAL);
    EXPECT_EQ(g->vcpu.regs.rdi, GUEST_ROOT);
    EXPECT_EQ(g->vcpu.regs.r8 & 0xffff, CR0_INITIAL & 0xffff);
}

/* Each bit that can be changed, also those that a mode of operation fixes. */
static void cr0_is_the_hosts(struct guest *g)
{
    static const uint8_t bits[] = {0, 1, 2, 3, 5, 16, 18, 29, 30, 31};

    for (size_t i = 0; i < sizeof bits; i++) {
        test_row("CR0 bit %u", bits[i]);
        g->vcpu.regs.rax = CR0_INITIAL ^ 1ull << bits[i];
        denied(g, guest_write_cr0, guest_write_cr0, "CR0");
        reads_control(g);
    }
}

static void cr4_is_the_hosts(struct guest *g)
{
    static const uint8_t bits[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 16, 18, 20, 21};

    for (size_t i = 0; i < sizeof bits; i++) {
        test_row("CR4 bit %u", bits[i]);
        g->vcpu.regs.rax = CR4_INITIAL ^ 1ull << bits[i];
        denied(g, guest_write_cr4, guest_write_cr4, "CR4");
        reads_control(g);
    }
}

static void cr8_is_the_hosts(struct guest *g)
{
    g->vcpu.regs.rax = 15;
    denied(g, guest_write_cr8, guest_write_cr8, "CR8");
}

/* With TS set before, or there is nothing to clear. */
static void clts_is_a_write_to_cr0(struct guest *g)
{
    struct cpu_state state;

    cpu->get_state(&g->vcpu, &state);
    state.cr0 |= 1u << 3;
    cpu->set_state(&g->vcpu, &state);
    denied(g, guest_clts, guest_clts, "CR0");
}

static void lmsw_is_a_write_to_cr0(struct guest *g)
{
    g->vcpu.regs.rax = 0x3b; /* TS */
    denied(g, guest_lmsw, guest_lmsw, "CR0");
    reads_control(g);
}

static void debug_registers_are_the_hosts(struct guest *g)
{
    denied(g, guest_read_dr0, guest_read_dr0, "debug register");
    denied(g, guest_read_dr6, guest_read_dr6, "debug register");
    g->vcpu.regs.rax = 0x401;
    denied(g, guest_write_dr7, guest_write_dr7, "debug register");
}

/* Without OSXSAVE there is no such instruction; the guest cannot set it, so the test does. */
static void xsetbv_is_denied(struct guest *g)
{
    struct cpu_state state;

    if (!(cpuid(1, 0).ecx & (1u << 26)))
        SKIP("the processor has no XSAVE");
    cpu->get_state(&g->vcpu, &state);
    state.cr4 |= CR4_OSXSAVE;
    cpu->set_state(&g->vcpu, &state);
    guest_start(g, guest_xsetbv);
    g->vcpu.regs.rax = 3;
    guest_run(g);
    if (is_svm() && g->exit.reason == CPU_EXIT_IO)
        SKIP("this emulator does not intercept XSETBV");
    EXPECT_EQ(g->exit.reason, CPU_EXIT_CONTROL);
    EXPECT_WORDS(g->exit.what, "XSETBV");
    EXPECT_EQ(g->vcpu.regs.rip, (uint64_t)guest_xsetbv_itself);
}

static void xsetbv_is_undefined_without_osxsave(struct guest *g)
{
    guest_start(g, guest_xsetbv);
    EXPECT_EXIT(g, CPU_EXIT_EXCEPTION);
    EXPECT_EQ(g->exit.exception.event.vector, VECTOR_UD);
}

static void caches_are_the_hosts(struct guest *g)
{
    denied(g, guest_invd, guest_invd, "INVD");
    denied(g, guest_wbinvd, guest_wbinvd, "WBINVD");
}

static void monitor_and_mwait(struct guest *g)
{
    denied(g, guest_monitor, guest_monitor_itself, "MONITOR");
    denied(g, guest_mwait, guest_mwait_itself, "MWAIT");
}

static void rdpmc_is_denied(struct guest *g)
{
    denied(g, guest_rdpmc, guest_rdpmc_itself, "RDPMC");
}

/* Outside of system management mode VMX leaves it undefined; SVM looks for intercepts first. */
static void rsm_is_denied(struct guest *g)
{
    guest_start(g, guest_rsm);
    guest_run(g);
    if (is_svm()) {
        EXPECT_EQ(g->exit.reason, CPU_EXIT_CONTROL);
        EXPECT_WORDS(g->exit.what, "RSM");
    } else {
        EXPECT_EQ(g->exit.reason, CPU_EXIT_EXCEPTION);
        EXPECT_EQ(g->exit.exception.event.vector, VECTOR_UD);
    }
}

static const struct test_case cases[] = {
    CASE(reads_control),
    CASE(cr0_is_the_hosts),
    CASE(cr4_is_the_hosts),
    CASE(cr8_is_the_hosts),
    CASE(clts_is_a_write_to_cr0),
    CASE(lmsw_is_a_write_to_cr0),
    CASE(debug_registers_are_the_hosts),
    CASE(xsetbv_is_denied),
    CASE(xsetbv_is_undefined_without_osxsave),
    CASE(caches_are_the_hosts),
    CASE(monitor_and_mwait),
    CASE(rdpmc_is_denied),
    CASE(rsm_is_denied),
};

GROUP(control);

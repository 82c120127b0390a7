/* SPDX-License-Identifier: MIT */
/* Exits of single instructions: reason, the hardware's own code, length, and where RIP stays. */
#include "kernel/x86.h"
#include "tests/cpu/test.h"

#define VECTOR_UD 6

extern const uint8_t guest_cpuid[], guest_cpuid_prefixed[], guest_hlt[], guest_hypercall[],
    guest_vmcall[], guest_vmmcall[], guest_quiet[], guest_triple_fault[];

/* Whether the processor tells an instruction's length: on VMX always. */
static bool tells_length(void)
{
    return is_vmx() || (cpuid(0x8000000a, 0).edx & (1u << 3));
}

static void cpuid_exits(struct guest *g)
{
    guest_start(g, guest_cpuid);
    EXPECT_EXIT(g, CPU_EXIT_CPUID);
    EXPECT_EQ(g->exit.raw, is_svm() ? 0x72 : 10);
    EXPECT_EQ(g->exit.length, 2);
    EXPECT_EQ(g->vcpu.regs.rip, (uint64_t)guest_cpuid);
    guest_skip(g);
    EXPECT_POINT(g, 1);
}

/* Without help of the processor it is the shortest encoding's. */
static void a_prefix_counts(struct guest *g)
{
    guest_start(g, guest_cpuid_prefixed);
    EXPECT_EXIT(g, CPU_EXIT_CPUID);
    EXPECT_EQ(g->exit.length, tells_length() ? 3 : 2);
}

static void hlt_exits(struct guest *g)
{
    guest_start(g, guest_hlt);
    EXPECT_EXIT(g, CPU_EXIT_HLT);
    EXPECT_EQ(g->exit.raw, is_svm() ? 0x78 : 12);
    EXPECT_EQ(g->exit.length, 1);
    EXPECT_EQ(g->vcpu.regs.rip, (uint64_t)guest_hlt);
    EXPECT_EXIT(g, CPU_EXIT_HLT); /* nobody has skipped it */
    guest_skip(g);
    EXPECT_POINT(g, 1);
}

static void hypercall_exits(struct guest *g)
{
    guest_start(g, guest_hypercall);
    EXPECT_EXIT(g, CPU_EXIT_HYPERCALL);
    EXPECT_EQ(g->exit.raw, is_svm() ? 0x81 : 18);
    EXPECT_EQ(g->exit.length, 3);
    EXPECT_EQ(g->vcpu.regs.rip, GUEST_HYPERCALL);
    guest_skip(g);
    EXPECT_POINT(g, 1);
}

/* The other vendor's instruction is none here. */
static void the_other_hypercall_is_undefined(struct guest *g)
{
    const uint8_t *code = is_svm() ? guest_vmcall : guest_vmmcall;

    guest_start(g, code);
    EXPECT_EXIT(g, CPU_EXIT_EXCEPTION);
    EXPECT_EQ(g->exit.exception.event.vector, VECTOR_UD);
    EXPECT_EQ(g->vcpu.regs.rip, (uint64_t)code);
}

static void the_rest_does_not_exit(struct guest *g)
{
    guest_start(g, guest_quiet);
    EXPECT_POINT(g, 1);
}

static void triple_fault(struct guest *g)
{
    guest_start(g, guest_triple_fault);
    EXPECT_EXIT(g, CPU_EXIT_IDT_LOAD);
    EXPECT_EXIT(g, CPU_EXIT_TRIPLE_FAULT);
    EXPECT_EQ(g->exit.raw, is_svm() ? 0x7f : 2);
}

static void every_reason_has_a_name(struct guest *g)
{
    (void)g;
    for (unsigned i = 0; i < CPU_EXIT_REASONS; i++)
        EXPECT(cpu_exit_name((enum cpu_exit_reason)i)[0] != 0);
}

static const struct test_case cases[] = {
    CASE(cpuid_exits),
    CASE(a_prefix_counts),
    CASE(hlt_exits),
    CASE(hypercall_exits),
    CASE(the_other_hypercall_is_undefined),
    CASE(the_rest_does_not_exit),
    CASE(triple_fault),
    CASE(every_reason_has_a_name),
};

GROUP(exits);

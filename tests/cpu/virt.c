/* SPDX-License-Identifier: MIT */
/* Virtualization instructions in a guest: refused in words where the processor has them, undefined
 * where it has not. */
#include "tests/cpu/test.h"

#define VECTOR_UD 6

#define DECLARE(name) extern const uint8_t guest_##name[]
DECLARE(vmrun);
DECLARE(vmload);
DECLARE(vmsave);
DECLARE(stgi);
DECLARE(clgi);
DECLARE(skinit);
DECLARE(invlpga);
DECLARE(vmclear);
DECLARE(vmlaunch);
DECLARE(vmresume);
DECLARE(vmptrld);
DECLARE(vmptrst);
DECLARE(vmread);
DECLARE(vmwrite);
DECLARE(vmxoff);
DECLARE(vmxon);
DECLARE(invept);
DECLARE(invvpid);
DECLARE(getsec);
DECLARE(vmfunc);

struct instruction {
    const uint8_t *code;
    const char *name;
};

static const struct instruction of_svm[] = {
    {guest_vmrun, "VMRUN"},     {guest_vmload, "VMLOAD"}, {guest_vmsave, "VMSAVE"},
    {guest_stgi, "STGI"},       {guest_clgi, "CLGI"},     {guest_skinit, "SKINIT"},
    {guest_invlpga, "INVLPGA"},
};

static const struct instruction of_vmx[] = {
    {guest_vmclear, "VMCLEAR"}, {guest_vmlaunch, "VMLAUNCH"}, {guest_vmresume, "VMRESUME"},
    {guest_vmptrld, "VMPTRLD"}, {guest_vmptrst, "VMPTRST"},   {guest_vmread, "VMREAD"},
    {guest_vmwrite, "VMWRITE"}, {guest_vmxoff, "VMXOFF"},     {guest_vmxon, "VMXON"},
    {guest_invept, "INVEPT"},   {guest_invvpid, "INVVPID"},
};

/* Off by controls of their own. */
static const struct instruction off[] = {{guest_getsec, "GETSEC"}, {guest_vmfunc, "VMFUNC"}};

static void refused(struct guest *g, const struct instruction *i, size_t count)
{
    for (; count > 0; count--, i++) {
        test_row("%s", i->name);
        guest_start(g, i->code);
        g->vcpu.regs.rax = GUEST_DATA;
        EXPECT_EXIT(g, CPU_EXIT_VIRT);
        EXPECT_WORDS(g->exit.what, i->name);
        EXPECT_EQ(g->vcpu.regs.rip, (uint64_t)i->code);
    }
}

static void undefined(struct guest *g, const struct instruction *i, size_t count)
{
    for (; count > 0; count--, i++) {
        test_row("%s", i->name);
        guest_start(g, i->code);
        g->vcpu.regs.rax = GUEST_DATA;
        EXPECT_EXIT(g, CPU_EXIT_EXCEPTION);
        EXPECT_EQ(g->exit.exception.event.vector, VECTOR_UD);
    }
}

static void svm_instructions(struct guest *g)
{
    (is_svm() ? refused : undefined)(g, of_svm, sizeof of_svm / sizeof of_svm[0]);
}

static void vmx_instructions(struct guest *g)
{
    (is_vmx() ? refused : undefined)(g, of_vmx, sizeof of_vmx / sizeof of_vmx[0]);
}

static void further_instructions(struct guest *g)
{
    undefined(g, off, sizeof off / sizeof off[0]);
}

static const struct test_case cases[] = {
    CASE(svm_instructions),
    CASE(vmx_instructions),
    CASE(further_instructions),
};

GROUP(virt);

/* SPDX-License-Identifier: MIT */
/* CPUID as the guest sees it: the processor's own, less what a guest must not use, plus who runs
 * it. */
#include "kernel/vm_parts.h"
#include "kernel/x86.h"

#define LEAF_FEATURES   0x1u
#define LEAF_HYPERVISOR 0x40000000u
#define LEAF_EXTENDED   0x80000001u
#define LEAF_SVM        0x8000000au

/* ECX of leaf 1: MONITOR, VMX, SMX, x2APIC, TSC deadline, XSAVE, OSXSAVE, AVX. EDX: APIC. */
#define NOT_1_ECX \
    (1u << 3 | 1u << 5 | 1u << 6 | 1u << 21 | 1u << 24 | 1u << 26 | 1u << 27 | 1u << 28)
#define NOT_1_EDX  (1u << 9)
#define HYPERVISOR (1u << 31)
/* ECX of leaf 80000001: SVM, SKINIT. */
#define NOT_EXTENDED_ECX (1u << 2 | 1u << 12)

static const struct cpuid signature = {
    .eax = LEAF_HYPERVISOR, /* no further leaves */
    .ebx = 0x69756c53,      /* "SluiceSluice" */
    .ecx = 0x6c536563,
    .edx = 0x65636975,
};

static struct cpuid guest_view(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid c;

    if (leaf >> 28 == LEAF_HYPERVISOR >> 28)
        return leaf == LEAF_HYPERVISOR ? signature : (struct cpuid){0};
    if (leaf == LEAF_SVM)
        return (struct cpuid){0};
    c = cpuid(leaf, subleaf);
    if (leaf == LEAF_FEATURES) {
        c.ecx = (c.ecx & ~NOT_1_ECX) | HYPERVISOR;
        c.edx &= ~NOT_1_EDX;
    }
    if (leaf == LEAF_EXTENDED)
        c.ecx &= ~NOT_EXTENDED_ECX;
    return c;
}

void vcpu_cpuid(struct cpu_regs *regs)
{
    struct cpuid c = guest_view((uint32_t)regs->rax, (uint32_t)regs->rcx);

    regs->rax = c.eax;
    regs->rbx = c.ebx;
    regs->rcx = c.ecx;
    regs->rdx = c.edx;
}

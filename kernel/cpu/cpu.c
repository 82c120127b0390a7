/* SPDX-License-Identifier: MIT */
#include "kernel/cpu/cpu.h"
#include <errno.h>
#include <stddef.h>

/* In the order of probing; no processor has two of them. */
static const struct cpu_ops *const backends[] = {&vmx_ops, &svm_ops};

static const char *const exit_names[CPU_EXIT_REASONS] = {
    [CPU_EXIT_HYPERCALL] = "hypercall",
    [CPU_EXIT_CPUID] = "cpuid",
    [CPU_EXIT_HLT] = "hlt",
    [CPU_EXIT_IO] = "io",
    [CPU_EXIT_RDMSR] = "rdmsr",
    [CPU_EXIT_WRMSR] = "wrmsr",
    [CPU_EXIT_CONTROL] = "control",
    [CPU_EXIT_VIRT] = "virt",
    [CPU_EXIT_NESTED_FAULT] = "nested_fault",
    [CPU_EXIT_NESTED_BROKEN] = "nested_broken",
    [CPU_EXIT_EXCEPTION] = "exception",
    [CPU_EXIT_IDT_LOAD] = "idt_load",
    [CPU_EXIT_TRIPLE_FAULT] = "triple_fault",
    [CPU_EXIT_INTERRUPT_WINDOW] = "interrupt_window",
    [CPU_EXIT_HOST_INTERRUPT] = "host_interrupt",
    [CPU_EXIT_DEVICE_INTERRUPT] = "device_interrupt",
    [CPU_EXIT_HOST_NMI] = "host_nmi",
    [CPU_EXIT_ENTRY_FAILED] = "entry_failed",
    [CPU_EXIT_UNKNOWN] = "unknown",
};

const uint32_t cpu_guest_msrs[CPU_GUEST_MSRS] = {
    0x174,      0x175,      0x176,                  /* SYSENTER_CS, ESP, EIP */
    0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, /* STAR, LSTAR, CSTAR, SFMASK */
    0xc0000100, 0xc0000101, 0xc0000102,             /* FS_BASE, GS_BASE, KERNEL_GS_BASE */
};

const struct cpu_ops *cpu_select(const char **why)
{
    *why = "this processor has neither VMX nor SVM: use one that has (QEMU TCG: -cpu max), "
           "or guest=native, without virtualization";
    for (size_t i = 0; i < sizeof backends / sizeof backends[0]; i++) {
        int error = backends[i]->probe(why);

        if (error != -ENODEV)
            return error ? NULL : backends[i];
    }
    return NULL;
}

const char *cpu_exit_name(enum cpu_exit_reason reason)
{
    return exit_names[reason];
}

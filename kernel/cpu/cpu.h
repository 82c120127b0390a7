/* SPDX-License-Identifier: MIT */
/*
 * The CPU seam: a const table of operations chosen at boot (SVM here, VMX beside it), and one
 * normalised exit structure, so that everything above sees neither VMCB nor VMCS. One vCPU runs on
 * the CPU that calls run().
 */
#ifndef KERNEL_CPU_CPU_H
#define KERNEL_CPU_CPU_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/addr.h"

struct cpu_regs {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rsp, rip, rflags;
    uint64_t cr0, cr2, cr3, cr4, efer;
};

enum cpu_exit_reason {
    CPU_EXIT_HYPERCALL, /* VMMCALL or VMCALL */
    CPU_EXIT_CPUID,
    CPU_EXIT_HLT,
    CPU_EXIT_IO,      /* io */
    CPU_EXIT_RDMSR,   /* msr */
    CPU_EXIT_WRMSR,   /* msr */
    CPU_EXIT_CONTROL, /* a write to a control or debug register, XSETBV, INVD: what the guest must
                         not do; what in words */
    CPU_EXIT_VIRT,    /* a virtualization instruction */
    CPU_EXIT_NESTED_FAULT, /* nested: no or not enough rights in the nested table */
    CPU_EXIT_EXCEPTION,    /* an intercepted exception: exception */
    CPU_EXIT_IDT_LOAD,     /* the guest sets up its own exception handlers and goes on */
    CPU_EXIT_TRIPLE_FAULT,
    CPU_EXIT_HOST_INTERRUPT, /* already served by the host when run() returns */
    CPU_EXIT_HOST_NMI,
    CPU_EXIT_ENTRY_FAILED, /* what says why */
    CPU_EXIT_UNKNOWN,      /* raw says what hardware said */
    CPU_EXIT_REASONS
};

enum cpu_access { CPU_ACCESS_READ = 1, CPU_ACCESS_WRITE = 2, CPU_ACCESS_EXEC = 4 };

struct cpu_exit {
    enum cpu_exit_reason reason;
    uint64_t raw;     /* the hardware's own code */
    uint8_t length;   /* of the instruction; 0 when it is not an instruction's exit */
    const char *what; /* in words, for CONTROL, VIRT and ENTRY_FAILED; static text */
    union {
        struct {
            uint16_t port;
            uint8_t bytes;
            bool write, string;
        } io;
        struct {
            uint32_t index;
            uint64_t value; /* WRMSR */
        } msr;
        struct {
            gpa_t address;
            uint8_t access;  /* enum cpu_access bits */
            bool present;    /* mapped, but without the right */
            bool table_walk; /* met while walking the guest's own page tables */
        } nested;
        struct {
            uint8_t vector;
            bool has_error, has_handler; /* handler: the guest has loaded an IDT and may want it */
            uint32_t error;              /* a page fault's address is in regs.cr2 */
        } exception;
    };
};

/* The nested page-table format: NPT and EPT differ in bits only. Levels are 4: PML4E = level 4, PTE
 * = level 1. */
struct nested_format {
    uint64_t table;                /* bits of an entry that points to a table */
    uint64_t read;                 /* bits of any present leaf */
    uint64_t write, exec, no_exec; /* added for the right, or for its absence */
    uint64_t large;                /* leaf at level 2 or 3 */
    uint64_t memory;               /* bits for write-back memory */
    uint64_t device;               /* bits for uncacheable registers */
    uint64_t present;              /* any of these set: present */
    bool has_1g;
};

struct nested_table; /* nested.h */

struct vcpu {
    struct cpu_regs regs; /* valid between runs; changes take effect at the next */
    struct nested_table *nested;
    uint64_t tsc_offset; /* added to the TSC the guest reads */
    void *backend;       /* the backend's own */
};

struct cpu_ops {
    const char *name; /* as in the result record: "svm", "vmx" */
    /* 0, or -ENOTSUP with *why in words ending in what to do about it. Changes nothing. */
    int (*probe)(const char **why);
    /* Turns virtualization on or off on the calling CPU. 0, -ENOMEM. */
    int (*enable)(void);
    void (*disable)(void);
    struct nested_format (*nested_format)(void);
    /* A vCPU in the state of abi.h's entry: 64-bit, flat segments, interrupts off; the caller then
     * sets rip, rsp, rdi and cr3. -ENOMEM. */
    int (*vcpu_init)(struct vcpu *v);
    void (*vcpu_fini)(struct vcpu *v);
    /* Enters the guest until the next exit that is the caller's business. */
    void (*run)(struct vcpu *v, struct cpu_exit *exit);
    /* The next entry delivers this event. -EBUSY when one is pending. */
    int (*inject_exception)(struct vcpu *v, uint8_t vector, bool has_error, uint32_t error);
    /* Copies the hypercall instruction sequence of this backend (abi.h) to page; returns its length
     * in bytes. */
    uint32_t (*hypercall_code)(uint8_t *page);
};

extern const struct cpu_ops svm_ops;

/* The backend this CPU has: probes each in turn. NULL with *why in words. */
const struct cpu_ops *cpu_select(const char **why);

const char *cpu_exit_name(enum cpu_exit_reason reason);

#endif

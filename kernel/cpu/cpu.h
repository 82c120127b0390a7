/* SPDX-License-Identifier: MIT */
/*
 * The CPU seam: a const table of operations chosen at boot (SVM or VMX, and native beside them),
 * and one normalised exit structure, so that everything above sees neither VMCB nor VMCS. One vCPU
 * runs on the CPU that calls run().
 */
#ifndef KERNEL_CPU_CPU_H
#define KERNEL_CPU_CPU_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/addr.h"

/* What nearly every exit looks at or changes. */
struct cpu_regs {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rip;
};

/* What hardly any does: it stays in the control block, since on VMX each field is an instruction to
 * read and one to write. */
struct cpu_state {
    uint64_t rsp, rflags;
    uint64_t cr0, cr2, cr3, cr4;
    uint64_t efer; /* told, not taken: it is the host's, 64-bit with NX */
};

struct cpu_exception {
    uint8_t vector;
    bool has_error;
    uint32_t error;
    uint64_t address; /* of a page fault */
};

enum cpu_exit_reason {
    CPU_EXIT_HYPERCALL, /* VMMCALL, VMCALL, or a native guest's call: then RIP is behind it */
    CPU_EXIT_CPUID,
    CPU_EXIT_HLT,
    CPU_EXIT_IO,      /* io */
    CPU_EXIT_RDMSR,   /* msr */
    CPU_EXIT_WRMSR,   /* msr */
    CPU_EXIT_CONTROL, /* a write to a control or debug register, XSETBV, INVD: what the guest must
                         not do; what in words */
    CPU_EXIT_VIRT,    /* a virtualization instruction */
    CPU_EXIT_NESTED_FAULT,  /* nested: no or not enough rights in the nested table */
    CPU_EXIT_NESTED_BROKEN, /* nested: an entry of the nested table that the processor refuses */
    CPU_EXIT_EXCEPTION,     /* an intercepted exception: exception */
    CPU_EXIT_IDT_LOAD,      /* the guest sets up its own exception handlers and goes on */
    CPU_EXIT_TRIPLE_FAULT,
    CPU_EXIT_INTERRUPT_WINDOW, /* the requested interrupt can be taken: the next entry delivers */
    CPU_EXIT_HOST_INTERRUPT,   /* already served by the host when run() returns */
    CPU_EXIT_DEVICE_INTERRUPT, /* a host interrupt which was the guest's device's: no backend says
                                  so, vcpu.c does */
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
            struct cpu_exception event;
            bool has_handler; /* the guest has loaded an IDT and may want it */
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
    uint64_t flush;      /* nested_cpus.c's: the number of the last flush for this vCPU */
    uint64_t tsc_offset; /* added to the TSC the guest reads; native: 0 */
    void *backend;       /* the backend's own */
};

struct cpu_ops {
    const char *name; /* as in the result record: "svm", "vmx", "native" */
    /* 0; -ENODEV where this processor has no such thing at all; -ENOTSUP where it may not or can't
     * be used, with *why in words ending in what to do about it. Changes nothing. NULL: every
     * processor has it. */
    int (*probe)(const char **why);
    /* Turns virtualization on on the calling CPU. 0, -ENOMEM, -EBUSY when it is on already. */
    int (*enable)(void);
    struct nested_format (*nested_format)(void);
    /* A vCPU in the state of abi.h's entry: 64-bit, flat segments, interrupts off; the caller then
     * sets rip and rdi, rsp and cr3. From its first run on it belongs to the CPU that ran it: only
     * that one may call the operations below. -ENOMEM. */
    int (*vcpu_init)(struct vcpu *v);
    void (*vcpu_fini)(struct vcpu *v);
    /* Enters the guest until the next exit that is the caller's business. */
    void (*run)(struct vcpu *v, struct cpu_exit *exit);
    void (*get_state)(const struct vcpu *v, struct cpu_state *state);
    /* native: RSP and RFLAGS only, the rest is the machine's; CR3 is the nested table. */
    void (*set_state)(struct vcpu *v, const struct cpu_state *state);
    /* The next entry delivers this exception. -EBUSY when an event is on its way already. */
    int (*inject_exception)(struct vcpu *v, const struct cpu_exception *exception);
    /* Asks for this external interrupt: delivered once, as soon as the guest's RFLAGS.IF lets it,
     * and without an EOI. Asked for again before that, it is still one. */
    void (*request_interrupt)(struct vcpu *v, uint8_t vector);
    /* Asked for, and not delivered yet. */
    bool (*interrupt_pending)(const struct vcpu *v);
    /* Copies this vCPU's way out (abi.h) to page; returns its length in bytes. */
    uint32_t (*hypercall_code)(const struct vcpu *v, uint8_t *page);
    /* Whether this page of the hypervisor's, at its own address, has to be in the nested table for
     * the switch itself, with that right. NULL: none has. */
    bool (*shares)(const struct vcpu *v, hpa_t page, bool writable);
};

extern const struct cpu_ops vmx_ops, svm_ops;
extern const struct cpu_ops native_ops; /* any processor has it; native.h says what it is worth */

/* The backend for virtual machines that this CPU has: probes each in turn. NULL with *why in words.
 */
const struct cpu_ops *cpu_select(const char **why);

const char *cpu_exit_name(enum cpu_exit_reason reason);

/* The MSRs that the guest reads and writes without an exit: the processor or the backend keeps its
 * values apart from the host's, or the host uses none of them. */
#define CPU_GUEST_MSRS 10
extern const uint32_t cpu_guest_msrs[CPU_GUEST_MSRS];

#endif

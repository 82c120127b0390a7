/* SPDX-License-Identifier: MIT */
/*
 * What AMD's "Architecture Programmer's Manual, Volume 2" (24593) lays down for SVM, chapter 15 and
 * appendix B: the virtual machine control block, intercepts, exit codes. For kernel/cpu/svm*.c
 * only.
 */
#ifndef KERNEL_CPU_SVM_H
#define KERNEL_CPU_SVM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/fpu.h"

/* CPUID, section 15.4 and volume 3, appendix E. */
#define SVM_CPUID_MAX         0x80000000u
#define SVM_CPUID_FEATURES    0x80000001u
#define SVM_FEATURE           (1u << 2) /* ECX */
#define SVM_CPUID             0x8000000au
#define SVM_HAS_NESTED_PAGING (1u << 0) /* EDX */
#define SVM_HAS_NEXT_RIP      (1u << 3) /* EDX */
#define SVM_CPUID_MSRS        5u        /* leaf 1, EDX */
#define SVM_MSR_VM_CR         0xc0010114u
#define SVM_VM_CR_DISABLED    (1u << 4)
#define SVM_MSR_VM_HSAVE_PA   0xc0010117u
#define SVM_EFER_SVME         (1ull << 12)

/* Intercepts, section 15.9 and appendix B, as numbers of the three 32-bit words. */
#define SVM_1_INTR        (1u << 0)
#define SVM_1_NMI         (1u << 1)
#define SVM_1_SMI         (1u << 2)
#define SVM_1_INIT        (1u << 3)
#define SVM_1_IDTR_WRITE  (1u << 10)
#define SVM_1_RDPMC       (1u << 15)
#define SVM_1_CPUID       (1u << 18)
#define SVM_1_RSM         (1u << 19)
#define SVM_1_INVD        (1u << 22)
#define SVM_1_HLT         (1u << 24)
#define SVM_1_INVLPGA     (1u << 26)
#define SVM_1_IO          (1u << 27)
#define SVM_1_MSR         (1u << 28)
#define SVM_1_TASK_SWITCH (1u << 29)
#define SVM_1_FERR_FREEZE (1u << 30)
#define SVM_1_SHUTDOWN    (1u << 31)
#define SVM_2_VMRUN       (1u << 0)
#define SVM_2_VMMCALL     (1u << 1)
#define SVM_2_VMLOAD      (1u << 2)
#define SVM_2_VMSAVE      (1u << 3)
#define SVM_2_STGI        (1u << 4)
#define SVM_2_CLGI        (1u << 5)
#define SVM_2_SKINIT      (1u << 6)
#define SVM_2_WBINVD      (1u << 9)
#define SVM_2_MONITOR     (1u << 10)
#define SVM_2_MWAIT       (1u << 11)
#define SVM_2_XSETBV      (1u << 13)
#define SVM_2_RDPRU       (1u << 14)

/* Exit codes, appendix C. */
enum svm_exit_code {
    SVM_EXIT_CR_WRITE = 0x10, /* + register */
    SVM_EXIT_DR_READ = 0x20,  /* + register */
    SVM_EXIT_DR_LAST = 0x3f,
    SVM_EXIT_EXCEPTION = 0x40, /* + vector */
    SVM_EXIT_EXCEPTION_LAST = 0x5f,
    SVM_EXIT_INTR = 0x60,
    SVM_EXIT_NMI = 0x61,
    SVM_EXIT_SMI = 0x62,
    SVM_EXIT_INIT = 0x63,
    SVM_EXIT_IDTR_WRITE = 0x6a,
    SVM_EXIT_RDPMC = 0x6f,
    SVM_EXIT_CPUID = 0x72,
    SVM_EXIT_RSM = 0x73,
    SVM_EXIT_INVD = 0x76,
    SVM_EXIT_HLT = 0x78,
    SVM_EXIT_INVLPGA = 0x7a,
    SVM_EXIT_IO = 0x7b,
    SVM_EXIT_MSR = 0x7c,
    SVM_EXIT_TASK_SWITCH = 0x7d,
    SVM_EXIT_FERR_FREEZE = 0x7e,
    SVM_EXIT_SHUTDOWN = 0x7f,
    SVM_EXIT_VMRUN = 0x80,
    SVM_EXIT_VMMCALL = 0x81,
    SVM_EXIT_VMLOAD = 0x82,
    SVM_EXIT_VMSAVE = 0x83,
    SVM_EXIT_STGI = 0x84,
    SVM_EXIT_CLGI = 0x85,
    SVM_EXIT_SKINIT = 0x86,
    SVM_EXIT_WBINVD = 0x89,
    SVM_EXIT_MONITOR = 0x8a,
    SVM_EXIT_MWAIT = 0x8b,
    SVM_EXIT_XSETBV = 0x8d,
    SVM_EXIT_RDPRU = 0x8e,
    SVM_EXIT_NAMED = 0x8f, /* one past the codes a table tells apart */
    SVM_EXIT_NPF = 0x400,
};

/* The low half: some processors write no more of "-1" than 32 bits. */
#define SVM_EXIT_INVALID 0xffffffffu

/* EXITINFO1 of an I/O exit (section 15.10.2) and of a nested page fault (section 15.25.6). */
#define SVM_IO_IN          (1ull << 0)
#define SVM_IO_STRING      (1ull << 2)
#define SVM_IO_BYTES(info) ((uint8_t)((info) >> 4 & 7))
#define SVM_IO_PORT(info)  ((uint16_t)((info) >> 16))
#define SVM_NPF_PRESENT    (1ull << 0)
#define SVM_NPF_WRITE      (1ull << 1)
#define SVM_NPF_RESERVED   (1ull << 3)
#define SVM_NPF_FETCH      (1ull << 4)
#define SVM_NPF_TABLE_WALK (1ull << 33)

/* EVENTINJ and EXITINTINFO, section 15.20. */
#define SVM_EVENT_VECTOR(event) ((uint8_t)(event))
#define SVM_EVENT_TYPE          (7ull << 8)
#define SVM_EVENT_INTERRUPT     (0ull << 8)
#define SVM_EVENT_EXCEPTION     (3ull << 8)
#define SVM_EVENT_SOFTWARE      (4ull << 8)
#define SVM_EVENT_HAS_ERROR     (1ull << 11)
#define SVM_EVENT_VALID         (1ull << 31)

/* The virtual interrupt, section 15.21.4: the processor itself waits for RFLAGS.IF. */
#define SVM_V_IRQ         (1ull << 8)
#define SVM_V_IGNORE_TPR  (1ull << 20)
#define SVM_V_VECTOR      32
#define SVM_V_VECTOR_MASK (0xffull << SVM_V_VECTOR)

#define SVM_ASID             1u /* guests come one after another: one, flushed between them */
#define SVM_TLB_FLUSH_ALL    1u
#define SVM_INTR_MASKING     (1ull << 24) /* the host's RFLAGS.IF decides about interrupts */
#define SVM_NESTED_PAGING    (1ull << 0)
#define SVM_IO_MAP_BYTES     (3 * PAGE_SIZE) /* section 15.10.1 */
#define SVM_MSR_MAP_BYTES    (2 * PAGE_SIZE) /* section 15.11 */
#define SVM_BYTES_OF_VMMCALL 3

struct svm_control {
    uint16_t cr_read, cr_write, dr_read, dr_write;
    uint32_t exceptions, intercept1, intercept2, intercept3;
    uint8_t reserved_18[0x40 - 0x18];
    uint64_t io_map, msr_map, tsc_offset;
    uint32_t asid, tlb_control;
    uint64_t interrupts; /* V_TPR, V_IRQ, V_INTR_MASKING */
    uint64_t interrupt_shadow;
    uint64_t exit_code, info1, info2, interrupted;
    uint64_t nested;
    uint8_t reserved_98[0xa8 - 0x98];
    uint64_t inject;
    uint64_t nested_cr3, lbr_control;
    uint64_t clean; /* 0: nothing of the last run is cached */
    uint64_t next_rip;
    uint8_t reserved_d0[0x400 - 0xd0];
};

struct svm_segment {
    uint16_t selector;
    uint16_t attributes; /* bits 55-52 and 47-40 of the descriptor */
    uint32_t limit;
    uint64_t base;
};

struct svm_save {
    struct svm_segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
    uint8_t reserved_a0[0xcb - 0xa0];
    uint8_t cpl;
    uint32_t reserved_cc;
    uint64_t efer;
    uint8_t reserved_d8[0x148 - 0xd8];
    uint64_t cr4, cr3, cr0, dr7, dr6, rflags, rip;
    uint8_t reserved_180[0x1d8 - 0x180];
    uint64_t rsp;
    uint8_t reserved_1e0[0x1f8 - 0x1e0];
    uint64_t rax, star, lstar, cstar, sfmask, kernel_gs_base;
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip, cr2;
    uint8_t reserved_248[0x268 - 0x248];
    uint64_t pat, debug_control;
    uint8_t reserved_278[0xc00 - 0x278];
};

struct svm_vmcb {
    struct svm_control control;
    struct svm_save save;
};

_Static_assert(offsetof(struct svm_control, io_map) == 0x40, "appendix B");
_Static_assert(offsetof(struct svm_control, asid) == 0x58, "appendix B");
_Static_assert(offsetof(struct svm_control, exit_code) == 0x70, "appendix B");
_Static_assert(offsetof(struct svm_control, nested) == 0x90, "appendix B");
_Static_assert(offsetof(struct svm_control, inject) == 0xa8, "appendix B");
_Static_assert(offsetof(struct svm_control, next_rip) == 0xc8, "appendix B");
_Static_assert(sizeof(struct svm_control) == 0x400, "appendix B");
_Static_assert(offsetof(struct svm_save, cpl) == 0xcb, "appendix B");
_Static_assert(offsetof(struct svm_save, efer) == 0xd0, "appendix B");
_Static_assert(offsetof(struct svm_save, cr4) == 0x148, "appendix B");
_Static_assert(offsetof(struct svm_save, rsp) == 0x1d8, "appendix B");
_Static_assert(offsetof(struct svm_save, rax) == 0x1f8, "appendix B");
_Static_assert(offsetof(struct svm_save, cr2) == 0x240, "appendix B");
_Static_assert(offsetof(struct svm_save, pat) == 0x268, "appendix B");
_Static_assert(sizeof(struct svm_vmcb) == 4096, "a VMCB is one page");

/* vcpu->backend; a frame of its own, as the VMCB. */
struct svm_vcpu {
    struct svm_vmcb *vmcb;
    uint64_t number; /* no two vCPUs since boot have the same */
    uint32_t cpu;    /* it ran on last */
    struct fpu_state fpu;
};

/* svm_vmcb.c */

/* Fills both permission maps; the same for every guest. */
void svm_maps_init(void);
/* The VMCB of a guest that has not run yet: abi.h's entry, every intercept. */
void svm_vmcb_init(struct svm_vmcb *vmcb, const struct nested_table *nested);

/* svm_exit.c */

/* has_next_rip: the processor tells where the next instruction is. */
void svm_exit_decode(struct svm_vmcb *vmcb, const struct cpu_regs *regs, bool has_next_rip,
                     struct cpu_exit *exit);

/* svm_check.c */

/* After VMEXIT_INVALID: the first consistency check of section 15.5.1 that the VMCB does not pass,
 * in words. */
const char *svm_check(const struct svm_vmcb *vmcb);

#endif

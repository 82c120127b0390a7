/* SPDX-License-Identifier: MIT */
/*
 * What Intel's "Software Developer's Manual, Volume 3" (SDM) lays down for VMX, chapters 24 to 31
 * and appendices A to C: capability MSRs, VMCS fields, controls, exit reasons. For
 * kernel/cpu/vmx*.c only.
 */
#ifndef KERNEL_CPU_VMX_H
#define KERNEL_CPU_VMX_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/fpu.h"

#define VMX_CPUID_FEATURE (1u << 5) /* leaf 1, ECX */
#define VMX_CR4_VMXE      (1ull << 13)

#define VMX_MSR_FEATURE_CONTROL 0x3au /* section 24.7 */
#define VMX_FEATURE_LOCKED      (1ull << 0)
#define VMX_FEATURE_ON          (1ull << 2) /* VMX outside SMX */

/* Appendix A. */
#define VMX_MSR_BASIC      0x480u
#define VMX_MSR_PIN        0x481u
#define VMX_MSR_PRIMARY    0x482u
#define VMX_MSR_EXIT       0x483u
#define VMX_MSR_ENTRY      0x484u
#define VMX_MSR_MISC       0x485u
#define VMX_MSR_CR0_FIXED0 0x486u
#define VMX_MSR_CR0_FIXED1 0x487u
#define VMX_MSR_CR4_FIXED0 0x488u
#define VMX_MSR_CR4_FIXED1 0x489u
#define VMX_MSR_SECONDARY  0x48bu
#define VMX_MSR_EPT_VPID   0x48cu
#define VMX_MSR_TRUE       12u /* added to PIN, PRIMARY, EXIT, ENTRY: what is really fixed */

#define VMX_BASIC_REVISION(basic)  ((uint32_t)(basic)&0x7fffffffu)
#define VMX_BASIC_MEMORY(basic)    ((basic) >> 50 & 15)
#define VMX_BASIC_TRUE             (1ull << 55)
#define VMX_BASIC_ANY_ERROR        (1ull << 56) /* exceptions with an error code or without */
#define VMX_MEMORY_WB              6u
#define VMX_MISC_TIMER_SHIFT(misc) ((misc)&31)

#define VMX_EPT_WALK_4  (1ull << 6)
#define VMX_EPT_WB      (1ull << 14)
#define VMX_EPT_2M      (1ull << 16)
#define VMX_EPT_1G      (1ull << 17)
#define VMX_INVEPT      (1ull << 20)
#define VMX_INVEPT_ONE  (1ull << 25)
#define VMX_INVEPT_ALL  (1ull << 26)
#define VMX_INVVPID     (1ull << 32)
#define VMX_INVVPID_ONE (1ull << 41)
#define VMX_INVVPID_ALL (1ull << 42)

/* The types of both instructions; an INVEPT of type 1 is of one EPT pointer, an INVVPID of one
 * VPID. */
#define VMX_INVALIDATE_ONE 1u
#define VMX_INVALIDATE_ALL 2u

#define VMX_EPTP_WALK_4 (3ull << 3)

/* Controls, section 25.6 to 25.8. */
#define VMX_PIN_INTERRUPTS   (1u << 0)
#define VMX_PIN_NMI          (1u << 3)
#define VMX_PIN_TIMER        (1u << 6)
#define VMX_1_WINDOW         (1u << 2)
#define VMX_1_TSC_OFFSET     (1u << 3)
#define VMX_1_HLT            (1u << 7)
#define VMX_1_MWAIT          (1u << 10)
#define VMX_1_RDPMC          (1u << 11)
#define VMX_1_CR3_LOAD       (1u << 15)
#define VMX_1_CR3_STORE      (1u << 16)
#define VMX_1_CR8_LOAD       (1u << 19)
#define VMX_1_CR8_STORE      (1u << 20)
#define VMX_1_MOV_DR         (1u << 23)
#define VMX_1_IO             (1u << 24)
#define VMX_1_MSR_BITMAPS    (1u << 28)
#define VMX_1_MONITOR        (1u << 29)
#define VMX_1_SECONDARY      (1u << 31)
#define VMX_2_EPT            (1u << 1)
#define VMX_2_DESCRIPTORS    (1u << 2)
#define VMX_2_RDTSCP         (1u << 3)
#define VMX_2_VPID           (1u << 5)
#define VMX_2_WBINVD         (1u << 6)
#define VMX_2_INVPCID        (1u << 12)
#define VMX_EXIT_SAVE_DEBUG  (1u << 2)
#define VMX_EXIT_HOST_64     (1u << 9)
#define VMX_ENTRY_LOAD_DEBUG (1u << 2)
#define VMX_ENTRY_GUEST_64   (1u << 9)

/* Appendix B. Segments follow one another in the order of enum vmx_segment, two apart. */
enum vmx_field {
    VMX_VPID = 0x0000,
    VMX_GUEST_SELECTOR = 0x0800,
    VMX_HOST_ES = 0x0c00,
    VMX_HOST_CS = 0x0c02,
    VMX_HOST_SS = 0x0c04,
    VMX_HOST_DS = 0x0c06,
    VMX_HOST_FS = 0x0c08,
    VMX_HOST_GS = 0x0c0a,
    VMX_HOST_TR = 0x0c0c,
    VMX_MSR_BITMAP = 0x2004,
    VMX_TSC_OFFSET = 0x2010,
    VMX_EPTP = 0x201a,
    VMX_GUEST_PHYSICAL = 0x2400,
    VMX_LINK = 0x2800,
    VMX_GUEST_DEBUGCTL = 0x2802,
    VMX_PIN = 0x4000,
    VMX_PRIMARY = 0x4002,
    VMX_EXCEPTIONS = 0x4004,
    VMX_CR3_TARGETS = 0x400a,
    VMX_EXIT = 0x400c,
    VMX_ENTRY = 0x4012,
    VMX_INJECT = 0x4016,
    VMX_INJECT_ERROR = 0x4018,
    VMX_INJECT_LENGTH = 0x401a,
    VMX_SECONDARY = 0x401e,
    VMX_INSTRUCTION_ERROR = 0x4400,
    VMX_REASON = 0x4402,
    VMX_EVENT = 0x4404,
    VMX_EVENT_ERROR = 0x4406,
    VMX_VECTORING = 0x4408,
    VMX_VECTORING_ERROR = 0x440a,
    VMX_LENGTH = 0x440c,
    VMX_GUEST_LIMIT = 0x4800,
    VMX_GUEST_GDTR_LIMIT = 0x4810,
    VMX_GUEST_IDTR_LIMIT = 0x4812,
    VMX_GUEST_RIGHTS = 0x4814,
    VMX_INTERRUPTIBILITY = 0x4824,
    VMX_ACTIVITY = 0x4826,
    VMX_GUEST_SYSENTER_CS = 0x482a,
    VMX_TIMER = 0x482e,
    VMX_HOST_SYSENTER_CS = 0x4c00,
    VMX_CR0_MASK = 0x6000,
    VMX_CR4_MASK = 0x6002,
    VMX_CR0_SHADOW = 0x6004,
    VMX_CR4_SHADOW = 0x6006,
    VMX_QUALIFICATION = 0x6400,
    VMX_GUEST_CR0 = 0x6800,
    VMX_GUEST_CR3 = 0x6802,
    VMX_GUEST_CR4 = 0x6804,
    VMX_GUEST_BASE = 0x6806,
    VMX_GUEST_GDTR_BASE = 0x6816,
    VMX_GUEST_IDTR_BASE = 0x6818,
    VMX_GUEST_DR7 = 0x681a,
    VMX_GUEST_RSP = 0x681c,
    VMX_GUEST_RIP = 0x681e,
    VMX_GUEST_RFLAGS = 0x6820,
    VMX_GUEST_PENDING_DEBUG = 0x6822,
    VMX_GUEST_SYSENTER_ESP = 0x6824,
    VMX_GUEST_SYSENTER_EIP = 0x6826,
    VMX_HOST_CR0 = 0x6c00,
    VMX_HOST_CR3 = 0x6c02,
    VMX_HOST_CR4 = 0x6c04,
    VMX_HOST_FS_BASE = 0x6c06,
    VMX_HOST_GS_BASE = 0x6c08,
    VMX_HOST_TR_BASE = 0x6c0a,
    VMX_HOST_GDTR_BASE = 0x6c0c,
    VMX_HOST_IDTR_BASE = 0x6c0e,
    VMX_HOST_SYSENTER_ESP = 0x6c10,
    VMX_HOST_SYSENTER_EIP = 0x6c12,
    VMX_HOST_RSP = 0x6c14, /* vmx_enter.asm writes it */
    VMX_HOST_RIP = 0x6c16,
};

enum vmx_segment { VMX_ES, VMX_CS, VMX_SS, VMX_DS, VMX_FS, VMX_GS, VMX_LDTR, VMX_TR, VMX_SEGMENTS };

/* Basic exit reasons, appendix C; those that a guest of ours can meet, and every virtualization
 * instruction. */
enum vmx_reason {
    VMX_REASON_EXCEPTION = 0, /* or an NMI */
    VMX_REASON_INTERRUPT = 1,
    VMX_REASON_TRIPLE_FAULT = 2,
    VMX_REASON_INIT = 3,
    VMX_REASON_WINDOW = 7,
    VMX_REASON_TASK_SWITCH = 9,
    VMX_REASON_CPUID = 10,
    VMX_REASON_GETSEC = 11,
    VMX_REASON_HLT = 12,
    VMX_REASON_INVD = 13,
    VMX_REASON_RDPMC = 15,
    VMX_REASON_RSM = 17,
    VMX_REASON_VMCALL = 18,
    VMX_REASON_VMCLEAR = 19,
    VMX_REASON_VMLAUNCH = 20,
    VMX_REASON_VMPTRLD = 21,
    VMX_REASON_VMPTRST = 22,
    VMX_REASON_VMREAD = 23,
    VMX_REASON_VMRESUME = 24,
    VMX_REASON_VMWRITE = 25,
    VMX_REASON_VMXOFF = 26,
    VMX_REASON_VMXON = 27,
    VMX_REASON_CR = 28,
    VMX_REASON_DR = 29,
    VMX_REASON_IO = 30,
    VMX_REASON_RDMSR = 31,
    VMX_REASON_WRMSR = 32,
    VMX_REASON_BAD_STATE = 33,
    VMX_REASON_BAD_MSRS = 34,
    VMX_REASON_MWAIT = 36,
    VMX_REASON_MONITOR = 39,
    VMX_REASON_MACHINE_CHECK = 41,
    VMX_REASON_GDTR_IDTR = 46,
    VMX_REASON_LDTR_TR = 47,
    VMX_REASON_EPT_VIOLATION = 48,
    VMX_REASON_EPT_MISCONFIGURED = 49,
    VMX_REASON_INVEPT = 50,
    VMX_REASON_TIMER = 52,
    VMX_REASON_INVVPID = 53,
    VMX_REASON_WBINVD = 54,
    VMX_REASON_XSETBV = 55,
    VMX_REASON_NAMED = 56, /* one past the reasons that a table tells apart */
};

#define VMX_REASON_BASIC(reason) ((uint32_t)(reason)&0xffffu)
#define VMX_REASON_NOT_ENTERED   (1u << 31)

/* The event formats of entry, exit and IDT vectoring, section 25.8.3 and 25.9.2. */
#define VMX_EVENT_VECTOR(event)      ((uint8_t)(event))
#define VMX_EVENT_TYPE(event)        ((uint32_t)(event)&0x700u)
#define VMX_EVENT_INTERRUPT          0x000u
#define VMX_EVENT_NMI                0x200u
#define VMX_EVENT_EXCEPTION          0x300u
#define VMX_EVENT_SOFTWARE_INTERRUPT 0x400u
#define VMX_EVENT_SOFTWARE_EXCEPTION 0x600u
#define VMX_EVENT_HAS_ERROR          (1u << 11)
#define VMX_EVENT_RESERVED           0x7ffff000u /* bit 12 tells of NMI blocking in an exit's */
#define VMX_EVENT_VALID              (1u << 31)

#define VMX_BLOCKED_BY_STI    (1u << 0)
#define VMX_BLOCKED_BY_MOV_SS (1u << 1)
#define VMX_BLOCKED_BY_NMI    (1u << 3)

/* Exit qualifications, section 28.2.1. */
#define VMX_CR_NUMBER(q)  ((q)&15)
#define VMX_IO_BYTES(q)   ((uint8_t)(((q)&7) + 1))
#define VMX_IO_IN         (1ull << 3)
#define VMX_IO_STRING     (1ull << 4)
#define VMX_IO_PORT(q)    ((uint16_t)((q) >> 16))
#define VMX_EPT_WRITE     (1ull << 1)
#define VMX_EPT_FETCH     (1ull << 2)
#define VMX_EPT_PRESENT   (7ull << 3)
#define VMX_EPT_LINEAR    (1ull << 7) /* came from a linear address */
#define VMX_EPT_TRANSLATE (1ull << 8) /* by its translation, not by the walk to it */

/* Access rights of a segment, section 25.4.1. */
#define VMX_RIGHTS_CODE     0xa09bu /* 64-bit, readable, accessed */
#define VMX_RIGHTS_DATA     0xc093u
#define VMX_RIGHTS_TSS      0x008bu
#define VMX_RIGHTS_UNUSABLE 0x10000u

/* What stays intercepted when a guest has handlers: endless #DB or #AC stall the processor,
 * interrupts and all; a machine check is the host's. */
#define VMX_EXCEPTIONS_KEPT (1u << 1 | 1u << 17 | 1u << 18)

/* The same for every CPU of a machine, and every guest. */
struct vmx_controls {
    uint32_t pin, primary, secondary, exit, entry;
};

/* What hardware keeps no two copies of and the hypervisor does not use: it stays in the processor
 * until another vCPU runs there. */
#define VMX_KEPT_MSRS 5

/* vcpu->backend; in a frame of its own, as the VMCS. */
struct vmx_vcpu {
    uint64_t host_rsp; /* as in the VMCS; vmx_enter.asm has the offsets of these two */
    uint64_t is_launched;
    hpa_t vmcs;
    bool is_loaded;           /* has run, and its state is in the VMCS */
    struct cpu_state state;   /* until then; CR2 while another vCPU runs here, EFER always */
    uint64_t rip, tsc_offset; /* as in the VMCS */
    uint32_t primary;         /* so, too */
    uint32_t inject, inject_error, inject_length; /* the event of the next entry; 0: none */
    bool has_request;
    uint8_t request;   /* vector */
    bool has_handlers; /* the guest's exceptions are its own */
    uint64_t kept[VMX_KEPT_MSRS];
    struct fpu_state fpu;
};

/* vmx.c */

/* Makes v's VMCS this CPU's current one, filled when it has not run yet. run() does so itself. */
void vmx_load(struct vcpu *v);

/* vmx_enter.asm */

uint64_t vmx_read(enum vmx_field field);
void vmx_write(enum vmx_field field, uint64_t value);

/* vmx_controls.c */

/* What the capability MSRs allow of what this hypervisor needs. -ENOTSUP, and *why names what is
 * missing, in static text. Changes nothing. */
int vmx_controls_init(const char **why);
const struct vmx_controls *vmx_controls(void);
/* IA32_VMX_EPT_VPID_CAP. */
uint64_t vmx_ept_vpid(void);

/* vmx_vmcs.c */

/* Fills the MSR bitmap; the same for every guest. */
void vmx_msr_bitmap_init(void);
/* Fills the current VMCS, which is this CPU's from then on. exit: where VM exits go. */
void vmx_vmcs_init(const struct vmx_vcpu *s, uint64_t eptp, uint64_t exit);
/* cpu_ops' get_state and set_state of the current VMCS, less CR2. */
void vmx_state_read(struct cpu_state *state);
void vmx_state_write(const struct cpu_state *state);

/* vmx_exit.c */

/* After an entry that came to an exit: from the current VMCS. */
void vmx_exit_decode(struct vmx_vcpu *s, const struct cpu_regs *regs, struct cpu_exit *exit);
/* The same for VMLAUNCH and VMRESUME that failed: CF (no VMCS) or ZF (a VM-instruction error). */
void vmx_fail_decode(bool has_vmcs, struct cpu_exit *exit);

/* vmx_check.c */

/* The first check of chapter 27 that the current VMCS does not pass, in words. */
const char *vmx_check_controls(void);
const char *vmx_check_host(void);
const char *vmx_check_guest(void);

#endif

/* SPDX-License-Identifier: MIT */
/* From the VMCS to the normalised exit. Each field is an instruction to read: only those are read
 * that the reason gives a meaning. */
#include <stddef.h>
#include "kernel/cpu/vmx.h"
#include "kernel/x86.h"
#include "lib/fmt.h"

#define VECTOR_PF 14u
#define VECTOR_MC 18u
#define WORDS_MAX 160

/* VM-instruction errors, section 31.4: those of VMLAUNCH and VMRESUME. */
#define ERROR_CONTROLS 7u
#define ERROR_HOST     8u

struct named_exit {
    const char *what;
    enum cpu_exit_reason reason;
    bool known, has_length;
};

#define EVENT(r)                   \
    {                              \
        .known = true, .reason = r \
    }
#define RESUMABLE(r)                                   \
    {                                                  \
        .known = true, .reason = r, .has_length = true \
    }
#define DENIED(r, words)                          \
    {                                             \
        .known = true, .reason = r, .what = words \
    }

static const struct named_exit named[VMX_REASON_NAMED] = {
    [VMX_REASON_INTERRUPT] = EVENT(CPU_EXIT_HOST_INTERRUPT),
    [VMX_REASON_INIT] = EVENT(CPU_EXIT_HOST_INTERRUPT),
    [VMX_REASON_TIMER] = EVENT(CPU_EXIT_HOST_INTERRUPT),
    [VMX_REASON_TRIPLE_FAULT] = EVENT(CPU_EXIT_TRIPLE_FAULT),
    [VMX_REASON_WINDOW] = EVENT(CPU_EXIT_INTERRUPT_WINDOW),
    [VMX_REASON_GDTR_IDTR] = EVENT(CPU_EXIT_IDT_LOAD),
    [VMX_REASON_LDTR_TR] = EVENT(CPU_EXIT_IDT_LOAD), /* the same control */
    [VMX_REASON_CPUID] = RESUMABLE(CPU_EXIT_CPUID),
    [VMX_REASON_HLT] = RESUMABLE(CPU_EXIT_HLT),
    [VMX_REASON_VMCALL] = RESUMABLE(CPU_EXIT_HYPERCALL),
    [VMX_REASON_TASK_SWITCH] = DENIED(CPU_EXIT_CONTROL, "a task switch"),
    [VMX_REASON_INVD] = DENIED(CPU_EXIT_CONTROL, "INVD"),
    [VMX_REASON_RDPMC] = DENIED(CPU_EXIT_CONTROL, "RDPMC"),
    [VMX_REASON_RSM] = DENIED(CPU_EXIT_CONTROL, "RSM"),
    [VMX_REASON_DR] = DENIED(CPU_EXIT_CONTROL, "an access to a debug register"),
    [VMX_REASON_MWAIT] = DENIED(CPU_EXIT_CONTROL, "MWAIT"),
    [VMX_REASON_MONITOR] = DENIED(CPU_EXIT_CONTROL, "MONITOR"),
    [VMX_REASON_WBINVD] = DENIED(CPU_EXIT_CONTROL, "WBINVD"),
    [VMX_REASON_XSETBV] = DENIED(CPU_EXIT_CONTROL, "XSETBV"),
    [VMX_REASON_GETSEC] = DENIED(CPU_EXIT_VIRT, "GETSEC"),
    [VMX_REASON_VMCLEAR] = DENIED(CPU_EXIT_VIRT, "VMCLEAR"),
    [VMX_REASON_VMLAUNCH] = DENIED(CPU_EXIT_VIRT, "VMLAUNCH"),
    [VMX_REASON_VMPTRLD] = DENIED(CPU_EXIT_VIRT, "VMPTRLD"),
    [VMX_REASON_VMPTRST] = DENIED(CPU_EXIT_VIRT, "VMPTRST"),
    [VMX_REASON_VMREAD] = DENIED(CPU_EXIT_VIRT, "VMREAD"),
    [VMX_REASON_VMRESUME] = DENIED(CPU_EXIT_VIRT, "VMRESUME"),
    [VMX_REASON_VMWRITE] = DENIED(CPU_EXIT_VIRT, "VMWRITE"),
    [VMX_REASON_VMXOFF] = DENIED(CPU_EXIT_VIRT, "VMXOFF"),
    [VMX_REASON_VMXON] = DENIED(CPU_EXIT_VIRT, "VMXON"),
    [VMX_REASON_INVEPT] = DENIED(CPU_EXIT_VIRT, "INVEPT"),
    [VMX_REASON_INVVPID] = DENIED(CPU_EXIT_VIRT, "INVVPID"),
};

static const char *const errors[] = {
    [1] = "VMCALL in VMX root operation",
    [2] = "VMCLEAR with an invalid address",
    [3] = "VMCLEAR of the VMXON region",
    [4] = "VMLAUNCH of a VMCS that is not clear",
    [5] = "VMRESUME of a VMCS that was not launched",
    [6] = "VMRESUME after VMXOFF",
    [ERROR_CONTROLS] = "invalid control fields",
    [ERROR_HOST] = "invalid host state",
    [9] = "VMPTRLD with an invalid address",
    [10] = "VMPTRLD of the VMXON region",
    [11] = "VMPTRLD with another revision",
    [12] = "a VMCS field that is not supported",
    [13] = "VMWRITE to a read-only field",
    [15] = "VMXON in VMX root operation",
    [26] = "an entry blocked by MOV SS",
    [28] = "an invalid operand of INVEPT or INVVPID",
};

static char words[WORDS_MAX];

static void decode_control(struct cpu_exit *exit)
{
    exit->reason = CPU_EXIT_CONTROL;
    switch (VMX_CR_NUMBER(vmx_read(VMX_QUALIFICATION))) {
    case 0: /* CLTS and LMSW, too */
        exit->what = "a write to CR0";
        return;
    case 4:
        exit->what = "a write to CR4";
        return;
    default:
        exit->what = "an access to CR8";
    }
}

/* Else the next entry would block the host's next NMI: the guest has none of its own. */
static void unblock_nmi(void)
{
    uint64_t blocked = vmx_read(VMX_INTERRUPTIBILITY);

    vmx_write(VMX_INTERRUPTIBILITY, blocked & ~(uint64_t)VMX_BLOCKED_BY_NMI);
}

static void decode_exception(const struct vmx_vcpu *s, struct cpu_exit *exit)
{
    uint32_t event = (uint32_t)vmx_read(VMX_EVENT);

    if (VMX_EVENT_TYPE(event) == VMX_EVENT_NMI) {
        exit->reason = CPU_EXIT_HOST_NMI;
        unblock_nmi();
        return;
    }
    exit->reason = CPU_EXIT_EXCEPTION;
    exit->exception.has_handler = s->has_handlers;
    exit->exception.event.vector = VMX_EVENT_VECTOR(event);
    exit->exception.event.has_error = event & VMX_EVENT_HAS_ERROR;
    if (event & VMX_EVENT_HAS_ERROR)
        exit->exception.event.error = (uint32_t)vmx_read(VMX_EVENT_ERROR);
    /* CR2 is not written when a page fault exits. */
    if (VMX_EVENT_VECTOR(event) == VECTOR_PF)
        exit->exception.event.address = vmx_read(VMX_QUALIFICATION);
}

static void decode_io(struct cpu_exit *exit)
{
    uint64_t q = vmx_read(VMX_QUALIFICATION);

    exit->reason = CPU_EXIT_IO;
    exit->length = (uint8_t)vmx_read(VMX_LENGTH);
    exit->io.port = VMX_IO_PORT(q);
    exit->io.bytes = VMX_IO_BYTES(q);
    exit->io.write = !(q & VMX_IO_IN);
    exit->io.string = q & VMX_IO_STRING;
}

static void decode_msr(uint32_t reason, const struct cpu_regs *r, struct cpu_exit *exit)
{
    exit->reason = reason == VMX_REASON_RDMSR ? CPU_EXIT_RDMSR : CPU_EXIT_WRMSR;
    exit->length = (uint8_t)vmx_read(VMX_LENGTH);
    exit->msr.index = (uint32_t)r->rcx;
    exit->msr.value = r->rdx << 32 | (uint32_t)r->rax;
}

static void decode_violation(struct cpu_exit *exit)
{
    uint64_t q = vmx_read(VMX_QUALIFICATION);

    exit->reason = CPU_EXIT_NESTED_FAULT;
    exit->nested.address = gpa(vmx_read(VMX_GUEST_PHYSICAL));
    exit->nested.present = q & VMX_EPT_PRESENT;
    exit->nested.table_walk = (q & VMX_EPT_LINEAR) && !(q & VMX_EPT_TRANSLATE);
    exit->nested.access = q & VMX_EPT_FETCH   ? CPU_ACCESS_EXEC
                          : q & VMX_EPT_WRITE ? CPU_ACCESS_WRITE
                                              : CPU_ACCESS_READ;
}

static void decode_named(struct vmx_vcpu *s, uint32_t reason, struct cpu_exit *exit)
{
    const struct named_exit *n = &named[reason];

    if (!n->known)
        return;
    exit->reason = n->reason;
    exit->what = n->what;
    if (n->has_length)
        exit->length = (uint8_t)vmx_read(VMX_LENGTH);
    if (n->reason == CPU_EXIT_IDT_LOAD) {
        /* The guest goes on with the same instruction, and has its exceptions to itself. */
        s->has_handlers = true;
        vmx_write(VMX_SECONDARY, vmx_read(VMX_SECONDARY) & ~(uint64_t)VMX_2_DESCRIPTORS);
        vmx_write(VMX_EXCEPTIONS, VMX_EXCEPTIONS_KEPT);
    }
}

/* An event whose delivery was cut short is delivered again (section 28.2.4); only these reasons can
 * cut. NMIs that were to be delivered are not blocked by that. */
static void keep_event(struct vmx_vcpu *s)
{
    uint32_t event = (uint32_t)vmx_read(VMX_VECTORING);

    if (!(event & VMX_EVENT_VALID))
        return;
    s->inject = event & ~VMX_EVENT_RESERVED;
    if (event & VMX_EVENT_HAS_ERROR)
        s->inject_error = (uint32_t)vmx_read(VMX_VECTORING_ERROR);
    if (VMX_EVENT_TYPE(event) >= VMX_EVENT_SOFTWARE_INTERRUPT)
        s->inject_length = (uint32_t)vmx_read(VMX_LENGTH);
    if (VMX_EVENT_TYPE(event) == VMX_EVENT_NMI)
        unblock_nmi();
}

static void decode_not_entered(uint32_t reason, struct cpu_exit *exit)
{
    exit->reason = CPU_EXIT_ENTRY_FAILED;
    exit->what = "a failure without a known reason";
    if (reason == VMX_REASON_BAD_STATE)
        exit->what = vmx_check_guest();
    if (reason == VMX_REASON_BAD_MSRS)
        exit->what = "the loading of an MSR";
    if (reason == VMX_REASON_MACHINE_CHECK) {
        exit->reason = CPU_EXIT_EXCEPTION;
        exit->exception.event = (struct cpu_exception){.vector = VECTOR_MC};
    }
}

void vmx_exit_decode(struct vmx_vcpu *s, const struct cpu_regs *regs, struct cpu_exit *exit)
{
    uint32_t raw = (uint32_t)vmx_read(VMX_REASON), reason = VMX_REASON_BASIC(raw);

    *exit = (struct cpu_exit){.reason = CPU_EXIT_UNKNOWN, .raw = raw};
    if (raw & VMX_REASON_NOT_ENTERED) {
        decode_not_entered(reason, exit);
    } else if (reason == VMX_REASON_EXCEPTION) {
        decode_exception(s, exit);
        keep_event(s);
    } else if (reason == VMX_REASON_EPT_VIOLATION) {
        decode_violation(exit);
        keep_event(s);
    } else if (reason == VMX_REASON_EPT_MISCONFIGURED) {
        exit->reason = CPU_EXIT_NESTED_BROKEN;
        exit->nested.address = gpa(vmx_read(VMX_GUEST_PHYSICAL));
        keep_event(s);
    } else if (reason == VMX_REASON_CR) {
        decode_control(exit);
    } else if (reason == VMX_REASON_IO) {
        decode_io(exit);
    } else if (reason == VMX_REASON_RDMSR || reason == VMX_REASON_WRMSR) {
        decode_msr(reason, regs, exit);
    } else if (reason < VMX_REASON_NAMED) {
        decode_named(s, reason, exit);
    }
}

void vmx_fail_decode(bool has_vmcs, struct cpu_exit *exit)
{
    uint64_t error = has_vmcs ? vmx_read(VMX_INSTRUCTION_ERROR) : 0;
    const char *name = error < sizeof errors / sizeof errors[0] ? errors[error] : NULL;
    const char *which = error == ERROR_CONTROLS ? vmx_check_controls()
                        : error == ERROR_HOST   ? vmx_check_host()
                                                : NULL;

    *exit = (struct cpu_exit){.reason = CPU_EXIT_ENTRY_FAILED, .raw = error};
    exit->what = "there is no current VMCS";
    if (!has_vmcs)
        return;
    fmt_snprintf(words, sizeof words, "VM-instruction error %lu, %s%s%s", error,
                 name ? name : "which is not known here", which ? ": " : "", which ? which : "");
    exit->what = words;
}

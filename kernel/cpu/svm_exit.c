/* SPDX-License-Identifier: MIT */
/* From the VMCB's exit code and information to the normalised exit. Nothing is decoded: what the
 * processor does not tell is not needed. */
#include "kernel/cpu/svm.h"
#include "kernel/x86.h"

#define VECTOR_DB         1u
#define VECTOR_PF         14u
#define VECTOR_AC         17u
#define VECTOR_MC         18u
#define ERROR_CODES       0x60227d00u /* #DF #TS #NP #SS #GP #PF #AC #CP #VC #SX */
#define INSTRUCTION_BYTES 15u

/* Endless ones stall the processor, interrupts and all; a machine check is the host's. */
#define EXCEPTIONS_KEPT (1u << VECTOR_DB | 1u << VECTOR_AC | 1u << VECTOR_MC)

struct named_exit {
    const char *what;
    enum cpu_exit_reason reason;
    uint8_t length; /* of the shortest encoding, for processors that do not tell */
    bool known;
};

#define EVENT(r)                   \
    {                              \
        .known = true, .reason = r \
    }
#define RESUMABLE(r, len)                         \
    {                                             \
        .known = true, .reason = r, .length = len \
    }
#define DENIED(r, words)                          \
    {                                             \
        .known = true, .reason = r, .what = words \
    }

/* SMI and INIT are the host's as INTR is: they are taken when STGI lets them in. */
static const struct named_exit named[SVM_EXIT_NAMED] = {
    [SVM_EXIT_INTR] = EVENT(CPU_EXIT_HOST_INTERRUPT),
    [SVM_EXIT_SMI] = EVENT(CPU_EXIT_HOST_INTERRUPT),
    [SVM_EXIT_INIT] = EVENT(CPU_EXIT_HOST_INTERRUPT),
    [SVM_EXIT_NMI] = EVENT(CPU_EXIT_HOST_NMI),
    [SVM_EXIT_SHUTDOWN] = EVENT(CPU_EXIT_TRIPLE_FAULT),
    [SVM_EXIT_IDTR_WRITE] = EVENT(CPU_EXIT_IDT_LOAD),
    [SVM_EXIT_CPUID] = RESUMABLE(CPU_EXIT_CPUID, 2),
    [SVM_EXIT_HLT] = RESUMABLE(CPU_EXIT_HLT, 1),
    [SVM_EXIT_VMMCALL] = RESUMABLE(CPU_EXIT_HYPERCALL, SVM_BYTES_OF_VMMCALL),
    [SVM_EXIT_RDPMC] = DENIED(CPU_EXIT_CONTROL, "RDPMC"),
    [SVM_EXIT_RSM] = DENIED(CPU_EXIT_CONTROL, "RSM"),
    [SVM_EXIT_INVD] = DENIED(CPU_EXIT_CONTROL, "INVD"),
    [SVM_EXIT_TASK_SWITCH] = DENIED(CPU_EXIT_CONTROL, "a task switch"),
    [SVM_EXIT_FERR_FREEZE] = DENIED(CPU_EXIT_CONTROL, "a legacy FPU error"),
    [SVM_EXIT_WBINVD] = DENIED(CPU_EXIT_CONTROL, "WBINVD"),
    [SVM_EXIT_MONITOR] = DENIED(CPU_EXIT_CONTROL, "MONITOR"),
    [SVM_EXIT_MWAIT] = DENIED(CPU_EXIT_CONTROL, "MWAIT"),
    [SVM_EXIT_XSETBV] = DENIED(CPU_EXIT_CONTROL, "XSETBV"),
    [SVM_EXIT_RDPRU] = DENIED(CPU_EXIT_CONTROL, "RDPRU"),
    [SVM_EXIT_INVLPGA] = DENIED(CPU_EXIT_VIRT, "INVLPGA"),
    [SVM_EXIT_VMRUN] = DENIED(CPU_EXIT_VIRT, "VMRUN"),
    [SVM_EXIT_VMLOAD] = DENIED(CPU_EXIT_VIRT, "VMLOAD"),
    [SVM_EXIT_VMSAVE] = DENIED(CPU_EXIT_VIRT, "VMSAVE"),
    [SVM_EXIT_STGI] = DENIED(CPU_EXIT_VIRT, "STGI"),
    [SVM_EXIT_CLGI] = DENIED(CPU_EXIT_VIRT, "CLGI"),
    [SVM_EXIT_SKINIT] = DENIED(CPU_EXIT_VIRT, "SKINIT"),
};

static const char *const cr_writes[16] = {
    [0] = "a write to CR0",
    [4] = "a write to CR4",
    [8] = "a write to CR8",
};

static void decode_control(uint64_t code, struct cpu_exit *exit)
{
    exit->reason = CPU_EXIT_CONTROL;
    if (code >= SVM_EXIT_DR_READ)
        exit->what = "an access to a debug register";
    else if (cr_writes[code - SVM_EXIT_CR_WRITE])
        exit->what = cr_writes[code - SVM_EXIT_CR_WRITE];
    else
        exit->what = "a write to a control register that does not exist";
}

static void decode_exception(const struct svm_control *c, struct cpu_exit *exit)
{
    uint8_t vector = (uint8_t)(c->exit_code - SVM_EXIT_EXCEPTION);

    exit->reason = CPU_EXIT_EXCEPTION;
    exit->exception.event.vector = vector;
    exit->exception.event.has_error = ERROR_CODES >> vector & 1;
    exit->exception.event.error = (uint32_t)c->info1;
    exit->exception.has_handler = c->exceptions == EXCEPTIONS_KEPT;
    /* CR2 is not written yet when a page fault is intercepted. */
    if (vector == VECTOR_PF)
        exit->exception.event.address = c->info2;
}

static void decode_io(const struct svm_control *c, struct cpu_exit *exit)
{
    exit->reason = CPU_EXIT_IO;
    exit->io.port = SVM_IO_PORT(c->info1);
    exit->io.bytes = SVM_IO_BYTES(c->info1);
    exit->io.write = !(c->info1 & SVM_IO_IN);
    exit->io.string = c->info1 & SVM_IO_STRING;
}

static void decode_msr(const struct svm_control *c, const struct cpu_regs *r, struct cpu_exit *exit)
{
    exit->reason = c->info1 == 0 ? CPU_EXIT_RDMSR : CPU_EXIT_WRMSR;
    exit->length = 2;
    exit->msr.index = (uint32_t)r->rcx;
    exit->msr.value = r->rdx << 32 | (uint32_t)r->rax;
}

static void decode_nested_fault(const struct svm_control *c, struct cpu_exit *exit)
{
    exit->reason = c->info1 & SVM_NPF_RESERVED ? CPU_EXIT_NESTED_BROKEN : CPU_EXIT_NESTED_FAULT;
    exit->nested.address = gpa(c->info2);
    exit->nested.present = c->info1 & SVM_NPF_PRESENT;
    exit->nested.table_walk = c->info1 & SVM_NPF_TABLE_WALK;
    exit->nested.access = c->info1 & SVM_NPF_FETCH   ? CPU_ACCESS_EXEC
                          : c->info1 & SVM_NPF_WRITE ? CPU_ACCESS_WRITE
                                                     : CPU_ACCESS_READ;
}

static void decode_named(struct svm_control *c, struct cpu_exit *exit)
{
    const struct named_exit *n = &named[c->exit_code];

    if (!n->known)
        return;
    exit->reason = n->reason;
    exit->length = n->length;
    exit->what = n->what;
    if (n->reason == CPU_EXIT_IDT_LOAD) {
        /* The guest goes on with the same instruction, and has its exceptions to itself. */
        c->intercept1 &= ~SVM_1_IDTR_WRITE;
        c->exceptions = EXCEPTIONS_KEPT;
    }
}

void svm_exit_decode(struct svm_vmcb *vmcb, const struct cpu_regs *regs, bool has_next_rip,
                     struct cpu_exit *exit)
{
    struct svm_control *c = &vmcb->control;
    uint64_t code = c->exit_code;

    *exit = (struct cpu_exit){.reason = CPU_EXIT_UNKNOWN, .raw = code};
    if ((uint32_t)code == SVM_EXIT_INVALID) {
        exit->reason = CPU_EXIT_ENTRY_FAILED;
        exit->what = svm_check(vmcb);
    } else if (code >= SVM_EXIT_CR_WRITE && code <= SVM_EXIT_DR_LAST) {
        decode_control(code, exit);
    } else if (code >= SVM_EXIT_EXCEPTION && code <= SVM_EXIT_EXCEPTION_LAST) {
        decode_exception(c, exit);
    } else if (code == SVM_EXIT_IO) {
        decode_io(c, exit);
    } else if (code == SVM_EXIT_MSR) {
        decode_msr(c, regs, exit);
    } else if (code == SVM_EXIT_NPF) {
        decode_nested_fault(c, exit);
    } else if (code < SVM_EXIT_NAMED) {
        decode_named(c, exit);
    }
    if (exit->length && has_next_rip && c->next_rip - regs->rip <= INSTRUCTION_BYTES)
        exit->length = (uint8_t)(c->next_rip - regs->rip);
}

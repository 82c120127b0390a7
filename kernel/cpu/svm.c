/* SPDX-License-Identifier: MIT */
/* AMD's Secure Virtual Machine: what this processor has, and a run of the guest (APM volume 2,
 * chapter 15). */
#include <errno.h>
#include <string.h>
#include "kernel/cpu/nested.h"
#include "kernel/cpu/svm.h"
#include "kernel/mem.h"
#include "kernel/smp.h"
#include "kernel/x86.h"

#define VECTOR_BP  3u
#define VECTOR_OF  4u
#define VECTOR_PF  14u
#define EXCEPTIONS 32u
#define PTE_P      (1ull << 0)
#define PTE_W      (1ull << 1)
#define PTE_U      (1ull << 2)
#define PTE_PWT    (1ull << 3)
#define PTE_PCD    (1ull << 4)
#define PTE_PS     (1ull << 7)
#define PTE_NX     (1ull << 63)

/* VMMCALL; RET */
static const uint8_t hypercall_code[] = {0x0f, 0x01, 0xd9, 0xc3};

/* What each CPU keeps for the world switch. */
struct svm_cpu {
    hpa_t save;          /* VM_HSAVE_PA: VMRUN's, of no known layout */
    hpa_t host_area;     /* a VMCB's save area, for VMSAVE */
    uint64_t last;       /* number of the vCPU that ran here last */
    uint64_t generation; /* of its nested table then */
    bool has_next_rip;
};

static struct svm_cpu cpus[SMP_MAX_CPUS];

/* Addresses are physical. */
void svm_enter(uint64_t vmcb, struct cpu_regs *regs, uint64_t host_area);

static int probe(const char **why)
{
    if (cpuid(SVM_CPUID_MAX, 0).eax < SVM_CPUID ||
        !(cpuid(SVM_CPUID_FEATURES, 0).ecx & SVM_FEATURE))
        return -ENODEV;
    *why = "the firmware has locked SVM off: enable it there (SVM, or AMD-V)";
    if (rdmsr(SVM_MSR_VM_CR) & SVM_VM_CR_DISABLED)
        return -ENOTSUP;
    *why = "this processor's SVM has no nested paging: use a newer one (QEMU TCG: -cpu max)";
    if (!(cpuid(SVM_CPUID, 0).edx & SVM_HAS_NESTED_PAGING) || cpuid(SVM_CPUID, 0).ebx <= SVM_ASID)
        return -ENOTSUP;
    *why = NULL;
    return 0;
}

static int enable(void)
{
    struct svm_cpu *cpu = &cpus[smp_cpu()];

    if (!cpu->save.v)
        cpu->save = frame_alloc();
    if (!cpu->host_area.v)
        cpu->host_area = frame_alloc();
    if (!cpu->save.v || !cpu->host_area.v)
        return -ENOMEM;
    cpu->has_next_rip = cpuid(SVM_CPUID, 0).edx & SVM_HAS_NEXT_RIP;
    svm_maps_init();
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | SVM_EFER_SVME);
    wrmsr(SVM_MSR_VM_HSAVE_PA, cpu->save.v);
    __asm__ volatile("vmsave %0" ::"a"(cpu->host_area.v) : "memory");
    return 0;
}

/* Section 15.25.5: as ordinary page tables, in which the guest counts as a user. */
static struct nested_format format(void)
{
    return (struct nested_format){
        .table = PTE_P | PTE_W | PTE_U,
        .read = PTE_P | PTE_U,
        .write = PTE_W,
        .no_exec = PTE_NX,
        .large = PTE_PS,
        .device = PTE_PCD | PTE_PWT,
        .present = PTE_P,
        .has_1g = cpuid(SVM_CPUID_FEATURES, 0).edx & (1u << 26),
    };
}

static int vcpu_init(struct vcpu *v)
{
    static uint64_t made;
    hpa_t backend = frame_alloc(), vmcb = backend.v ? frame_alloc() : backend;
    struct svm_vcpu *s;

    if (!vmcb.v) {
        if (backend.v)
            frame_free(backend);
        return -ENOMEM;
    }
    s = phys_to_virt(backend);
    made++;
    *s = (struct svm_vcpu){.vmcb = phys_to_virt(vmcb), .number = made, .fpu = FPU_FRESH};
    v->backend = s;
    svm_vmcb_init(s->vmcb, v->nested);
    v->regs = (struct cpu_regs){0};
    return 0;
}

static void vcpu_fini(struct vcpu *v)
{
    struct svm_vcpu *s = v->backend;

    fpu_forget(&s->fpu);
    frame_free(virt_to_phys(s->vmcb));
    frame_free(virt_to_phys(s));
    v->backend = NULL;
}

static struct svm_vmcb *vmcb_of(const struct vcpu *v)
{
    return ((struct svm_vcpu *)v->backend)->vmcb;
}

static void get_state(const struct vcpu *v, struct cpu_state *state)
{
    const struct svm_save *s = &vmcb_of(v)->save;

    *state = (struct cpu_state){.rsp = s->rsp,
                                .rflags = s->rflags,
                                .cr0 = s->cr0,
                                .cr2 = s->cr2,
                                .cr3 = s->cr3,
                                .cr4 = s->cr4,
                                .efer = s->efer & ~SVM_EFER_SVME};
}

static void set_state(struct vcpu *v, const struct cpu_state *state)
{
    struct svm_save *s = &vmcb_of(v)->save;

    s->rsp = state->rsp;
    s->rflags = state->rflags;
    s->cr0 = state->cr0;
    s->cr2 = state->cr2;
    s->cr3 = state->cr3;
    s->cr4 = state->cr4;
}

/* The ASID is every guest's: what another vCPU has left in the TLB must go, and what this one has,
 * when its nested table has changed since, or when it was on another CPU: the guest's own flushes
 * there did not reach this one. */
static void flush_if_stale(struct vcpu *v, uint64_t generation, uint32_t number)
{
    struct svm_vcpu *s = v->backend;
    struct svm_cpu *cpu = &cpus[number];

    s->vmcb->control.tlb_control = 0;
    if (cpu->last != s->number || cpu->generation != generation || s->cpu != number) {
        s->vmcb->control.tlb_control = SVM_TLB_FLUSH_ALL;
        nested_flushed(v, number);
    }
    cpu->last = s->number;
    cpu->generation = generation;
    s->cpu = number;
}

/* An event whose delivery was cut short (section 15.7.2). */
static void deliver_again(struct svm_control *c)
{
    uint64_t event = c->interrupted, type = event & SVM_EVENT_TYPE;
    uint8_t vector = SVM_EVENT_VECTOR(event);

    c->inject = 0;
    if (!(event & SVM_EVENT_VALID))
        return;
    /* Asked for again, not injected: QEMU's TCG calls it an exception and leaves V_IRQ as it was,
     * so that it would come twice. */
    if (type == SVM_EVENT_INTERRUPT || (type == SVM_EVENT_EXCEPTION && vector >= EXCEPTIONS))
        c->interrupts |= SVM_V_IRQ;
    /* INT begins anew by itself; injected, it would return to INT and not behind it. */
    else if (type != SVM_EVENT_SOFTWARE && vector != VECTOR_BP && vector != VECTOR_OF)
        c->inject = event;
}

static void run(struct vcpu *v, struct cpu_exit *exit)
{
    struct svm_vcpu *s = v->backend;
    struct svm_control *c = &s->vmcb->control;
    struct svm_save *save = &s->vmcb->save;
    uint32_t number = smp_cpu();
    struct svm_cpu *cpu = &cpus[number];

    save->rax = v->regs.rax;
    if (save->rip != v->regs.rip)
        c->interrupt_shadow = 0; /* of an instruction that the hypervisor has stepped over */
    save->rip = v->regs.rip;
    c->tsc_offset = v->tsc_offset;
    fpu_switch(&s->fpu);

    flush_if_stale(v, nested_enter(v, number), number);
    nested_assert_fresh(v, number);
    svm_enter(virt_to_phys(s->vmcb).v, &v->regs, cpu->host_area.v);
    nested_leave(number);

    deliver_again(c);
    /* After a refused entry some emulators leave the host's state there. */
    if ((uint32_t)c->exit_code != SVM_EXIT_INVALID) {
        v->regs.rax = save->rax;
        v->regs.rip = save->rip;
    }
    svm_exit_decode(s->vmcb, &v->regs, cpu->has_next_rip, exit);
    if (exit->reason == CPU_EXIT_ENTRY_FAILED)
        svm_vmcb_init(s->vmcb, v->nested);
}

static int inject_exception(struct vcpu *v, const struct cpu_exception *e)
{
    struct svm_vmcb *vmcb = vmcb_of(v);

    if (vmcb->control.inject & SVM_EVENT_VALID)
        return -EBUSY;
    vmcb->control.inject = SVM_EVENT_VALID | SVM_EVENT_EXCEPTION | e->vector;
    if (e->has_error)
        vmcb->control.inject |= SVM_EVENT_HAS_ERROR | (uint64_t)e->error << 32;
    if (e->vector == VECTOR_PF)
        vmcb->save.cr2 = e->address;
    return 0;
}

static void request_interrupt(struct vcpu *v, uint8_t vector)
{
    struct svm_control *c = &vmcb_of(v)->control;

    c->interrupts = (c->interrupts & ~SVM_V_VECTOR_MASK) | (uint64_t)vector << SVM_V_VECTOR |
                    SVM_V_IRQ | SVM_V_IGNORE_TPR;
}

static bool interrupt_pending(const struct vcpu *v)
{
    return vmcb_of(v)->control.interrupts & SVM_V_IRQ;
}

static uint32_t copy_hypercall_code(const struct vcpu *v, uint8_t *page)
{
    (void)v;
    memcpy(page, hypercall_code, sizeof hypercall_code);
    return sizeof hypercall_code;
}

const struct cpu_ops svm_ops = {
    .name = "svm",
    .probe = probe,
    .enable = enable,
    .nested_format = format,
    .vcpu_init = vcpu_init,
    .vcpu_fini = vcpu_fini,
    .run = run,
    .get_state = get_state,
    .set_state = set_state,
    .inject_exception = inject_exception,
    .request_interrupt = request_interrupt,
    .interrupt_pending = interrupt_pending,
    .hypercall_code = copy_hypercall_code,
};

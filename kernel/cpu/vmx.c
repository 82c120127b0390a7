/* SPDX-License-Identifier: MIT */
/* Intel's Virtual-Machine Extensions: what this processor has, and a run of the guest (SDM volume
 * 3, chapters 24 to 28). */
#include <errno.h>
#include <string.h>
#include "kernel/cpu/nested.h"
#include "kernel/cpu/vmx.h"
#include "kernel/mem.h"
#include "kernel/smp.h"
#include "kernel/x86.h"

#define EPT_READ     (1ull << 0)
#define EPT_WRITE    (1ull << 1)
#define EPT_EXEC     (1ull << 2)
#define EPT_RIGHTS   (EPT_READ | EPT_WRITE | EPT_EXEC)
#define EPT_LARGE    (1ull << 7)
#define EPT_MEMORY   ((uint64_t)VMX_MEMORY_WB << 3)
#define VECTOR_BP    3u
#define VECTOR_OF    4u
#define VECTOR_PF    14u
#define VPID         1ull
#define RESULT_EXIT  0
#define RESULT_NONE  1 /* there was no VMCS to enter, nor is there one to write to */
#define RESULT_VALID 2

/* VMCALL; RET */
static const uint8_t hypercall_code[] = {0x0f, 0x01, 0xc1, 0xc3};

/* All of these are outside of the VMCS, and none is used by the hypervisor. */
static const uint32_t kept_msrs[VMX_KEPT_MSRS] = {
    0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, /* STAR, LSTAR, CSTAR, SFMASK */
    0xc0000102,                                     /* KERNEL_GS_BASE */
};

struct vmx_cpu {
    hpa_t vmxon;              /* the processor's own, of no known layout */
    struct vmx_vcpu *current; /* whose VMCS and registers are loaded here */
    uint64_t generation;      /* of its nested table at the last flush; 0: flush */
};

static struct vmx_cpu cpus[SMP_MAX_CPUS];

/* vmx_enter.asm */
int vmx_enter(struct cpu_regs *regs, struct vmx_vcpu *s);
extern const char vmx_exit[];

static int probe(const char **why)
{
    uint64_t feature;

    if (!(cpuid(1, 0).ecx & VMX_CPUID_FEATURE))
        return -ENODEV;
    feature = rdmsr(VMX_MSR_FEATURE_CONTROL);
    *why = "the firmware has locked VMX off: enable it there (VMX, VT-x, or Intel Virtualization)";
    if ((feature & VMX_FEATURE_LOCKED) && !(feature & VMX_FEATURE_ON))
        return -ENOTSUP;
    *why = "this processor keeps its VMCS in memory that is not write-back: use another one";
    if (VMX_BASIC_MEMORY(rdmsr(VMX_MSR_BASIC)) != VMX_MEMORY_WB)
        return -ENOTSUP;
    *why = NULL;
    return vmx_controls_init(why);
}

/* A frame that begins with the revision of the processor's layout; 0 without memory. */
static hpa_t alloc_region(void)
{
    hpa_t frame = frame_alloc();

    if (frame.v)
        *(uint32_t *)phys_to_virt(frame) = VMX_BASIC_REVISION(rdmsr(VMX_MSR_BASIC));
    return frame;
}

static int enable(void)
{
    struct vmx_cpu *cpu = &cpus[smp_cpu()];
    uint64_t feature = rdmsr(VMX_MSR_FEATURE_CONTROL);
    bool failed;

    if (!cpu->vmxon.v)
        cpu->vmxon = alloc_region();
    if (!cpu->vmxon.v)
        return -ENOMEM;
    vmx_msr_bitmap_init();
    if (!(feature & VMX_FEATURE_LOCKED))
        wrmsr(VMX_MSR_FEATURE_CONTROL, feature | VMX_FEATURE_LOCKED | VMX_FEATURE_ON);
    write_cr0((read_cr0() | rdmsr(VMX_MSR_CR0_FIXED0)) & rdmsr(VMX_MSR_CR0_FIXED1));
    write_cr4((read_cr4() | rdmsr(VMX_MSR_CR4_FIXED0)) & rdmsr(VMX_MSR_CR4_FIXED1));
    __asm__ volatile("vmxon %1" : "=@ccbe"(failed) : "m"(cpu->vmxon.v) : "memory");
    return failed ? -EBUSY : 0;
}

/* Section 29.3.2. */
static struct nested_format format(void)
{
    return (struct nested_format){
        .table = EPT_RIGHTS,
        .read = EPT_READ,
        .write = EPT_WRITE,
        .exec = EPT_EXEC,
        .large = EPT_LARGE,
        .memory = EPT_MEMORY,
        .present = EPT_RIGHTS,
        .has_1g = vmx_ept_vpid() & VMX_EPT_1G,
    };
}

static void vmclear(hpa_t vmcs)
{
    __asm__ volatile("vmclear %0" ::"m"(vmcs.v) : "memory", "cc");
}

static int vcpu_init(struct vcpu *v)
{
    hpa_t backend = frame_alloc(), vmcs = backend.v ? alloc_region() : backend;
    struct vmx_vcpu *s;

    if (!vmcs.v) {
        if (backend.v)
            frame_free(backend);
        return -ENOMEM;
    }
    s = phys_to_virt(backend);
    *s = (struct vmx_vcpu){
        .vmcs = vmcs,
        .primary = vmx_controls()->primary,
        /* Without the exit nobody tells when the guest gets its own. */
        .has_handlers = !(vmx_controls()->secondary & VMX_2_DESCRIPTORS),
        .fpu = FPU_FRESH,
        .state = {.rflags = RFLAGS_ONE,
                  .cr0 = CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE,
                  /* With SSE ready: the guest could not turn it on itself. */
                  .cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT,
                  .efer = EFER_NXE | EFER_LMA | EFER_LME},
    };
    v->backend = s;
    v->regs = (struct cpu_regs){0};
    vmclear(vmcs);
    return 0;
}

static void vcpu_fini(struct vcpu *v)
{
    struct vmx_vcpu *s = v->backend;
    struct vmx_cpu *cpu = &cpus[smp_cpu()];

    /* What the processor holds of it back to memory, before that is somebody else's. */
    vmclear(s->vmcs);
    if (cpu->current == s)
        cpu->current = NULL;
    fpu_forget(&s->fpu);
    frame_free(s->vmcs);
    frame_free(virt_to_phys(s));
    v->backend = NULL;
}

static uint64_t eptp_of(const struct vcpu *v)
{
    return nested_root(v->nested).v | VMX_EPTP_WALK_4 | VMX_MEMORY_WB;
}

/* What another vCPU has left on this CPU goes to where it belongs. */
static void make_current(struct vmx_vcpu *s, struct vmx_cpu *cpu)
{
    struct vmx_vcpu *other = cpu->current;

    if (other == s)
        return;
    for (unsigned i = 0; i < VMX_KEPT_MSRS; i++) {
        if (other)
            other->kept[i] = rdmsr(kept_msrs[i]);
        wrmsr(kept_msrs[i], s->kept[i]);
    }
    if (other)
        other->state.cr2 = read_cr2();
    write_cr2(s->state.cr2);
    fpu_switch(&s->fpu);
    __asm__ volatile("vmptrld %0" ::"m"(s->vmcs.v) : "memory", "cc");
    cpu->current = s;
    cpu->generation = 0;
}

void vmx_load(struct vcpu *v)
{
    struct vmx_vcpu *s = v->backend;

    make_current(s, &cpus[smp_cpu()]);
    if (s->is_loaded)
        return;
    s->is_loaded = true;
    vmx_vmcs_init(s, eptp_of(v), (uint64_t)vmx_exit);
}

static void get_state(const struct vcpu *v, struct cpu_state *state)
{
    struct vmx_vcpu *s = v->backend;

    *state = s->state;
    if (!s->is_loaded)
        return;
    make_current(s, &cpus[smp_cpu()]);
    vmx_state_read(state);
    state->cr2 = read_cr2();
}

static void set_state(struct vcpu *v, const struct cpu_state *state)
{
    struct vmx_vcpu *s = v->backend;
    uint64_t efer = s->state.efer;

    s->state = *state;
    s->state.efer = efer;
    if (!s->is_loaded)
        return;
    make_current(s, &cpus[smp_cpu()]);
    vmx_state_write(state);
    write_cr2(state->cr2);
}

/* Of one EPT pointer and one VPID where the processor can, else of all. */
static void flush(uint64_t eptp)
{
    const struct {
        uint64_t what, reserved;
    } ept = {eptp, 0}, vpid = {VPID, 0};
    uint64_t ept_type = vmx_ept_vpid() & VMX_INVEPT_ONE ? VMX_INVALIDATE_ONE : VMX_INVALIDATE_ALL;
    uint64_t vpid_type = vmx_ept_vpid() & VMX_INVVPID_ONE ? VMX_INVALIDATE_ONE : VMX_INVALIDATE_ALL;

    __asm__ volatile("invept %0, %1" ::"m"(ept), "r"(ept_type) : "memory", "cc");
    if (vmx_controls()->secondary & VMX_2_VPID)
        __asm__ volatile("invvpid %0, %1" ::"m"(vpid), "r"(vpid_type) : "memory", "cc");
}

/* The VPID is every guest's: what another vCPU has left in the TLB must go, and what this one has
 * left there before its nested table changed. */
static void flush_if_stale(struct vcpu *v, uint64_t generation, uint32_t number)
{
    struct vmx_cpu *cpu = &cpus[number];

    if (cpu->generation == generation)
        return;
    flush(eptp_of(v));
    nested_flushed(v, number);
    cpu->generation = generation;
}

/* moved: the hypervisor has stepped over an instruction, and what that one blocked is over. */
static bool is_window_open(bool moved)
{
    uint64_t blocked = vmx_read(VMX_INTERRUPTIBILITY);

    if (moved && (blocked & (VMX_BLOCKED_BY_STI | VMX_BLOCKED_BY_MOV_SS))) {
        blocked &= ~(uint64_t)(VMX_BLOCKED_BY_STI | VMX_BLOCKED_BY_MOV_SS);
        vmx_write(VMX_INTERRUPTIBILITY, blocked);
    }
    return !(blocked & (VMX_BLOCKED_BY_STI | VMX_BLOCKED_BY_MOV_SS)) &&
           (vmx_read(VMX_GUEST_RFLAGS) & RFLAGS_IF);
}

/* An event of its own goes first; the interrupt then waits for its window. */
static void load_event(struct vmx_vcpu *s, bool moved)
{
    uint32_t primary;

    if (s->has_request && !s->inject && is_window_open(moved)) {
        s->inject = VMX_EVENT_VALID | VMX_EVENT_INTERRUPT | s->request;
        s->has_request = false;
    }
    primary = vmx_controls()->primary | (s->has_request ? VMX_1_WINDOW : 0);
    if (primary != s->primary)
        vmx_write(VMX_PRIMARY, primary);
    s->primary = primary;
    if (!s->inject)
        return;
    if (s->inject & VMX_EVENT_HAS_ERROR)
        vmx_write(VMX_INJECT_ERROR, s->inject_error);
    if (VMX_EVENT_TYPE(s->inject) >= VMX_EVENT_SOFTWARE_INTERRUPT)
        vmx_write(VMX_INJECT_LENGTH, s->inject_length);
    vmx_write(VMX_INJECT, s->inject);
    s->inject = 0;
}

/* Few exits need more of the VMCS than these, and what has not changed is not written. */
static void load_changes(struct vcpu *v, struct vmx_vcpu *s)
{
    bool moved = v->regs.rip != s->rip;

    if (moved)
        vmx_write(VMX_GUEST_RIP, v->regs.rip);
    if (v->tsc_offset != s->tsc_offset)
        vmx_write(VMX_TSC_OFFSET, v->tsc_offset);
    s->rip = v->regs.rip;
    s->tsc_offset = v->tsc_offset;
    load_event(s, moved);
}

/* It ended the guest's run and is still pending: the host takes it now, with its own state back in
 * place. An NMI is not pending any more; INT 2 runs its handler, whose IRETQ lets the next one in.
 */
static void serve_host(const struct cpu_exit *exit)
{
    if (exit->reason == CPU_EXIT_HOST_INTERRUPT)
        __asm__ volatile("sti; nop; cli" ::: "memory");
    if (exit->reason == CPU_EXIT_HOST_NMI)
        __asm__ volatile("int $2" ::: "memory");
}

static void run(struct vcpu *v, struct cpu_exit *exit)
{
    struct vmx_vcpu *s = v->backend;
    uint32_t number = smp_cpu();
    int result;

    vmx_load(v);
    load_changes(v, s);
    flush_if_stale(v, nested_enter(v, number), number);
    nested_assert_fresh(v, number);
    result = vmx_enter(&v->regs, s);
    nested_leave(number);

    if (result != RESULT_EXIT) {
        vmx_fail_decode(result == RESULT_VALID, exit);
    } else {
        s->rip = v->regs.rip = vmx_read(VMX_GUEST_RIP);
        vmx_exit_decode(s, &v->regs, exit);
        serve_host(exit);
    }
    if (exit->reason != CPU_EXIT_ENTRY_FAILED)
        s->is_launched = true;
    else if (result != RESULT_NONE)
        vmx_write(VMX_INJECT, 0); /* it has not been delivered, and would be a defect the same */
}

static int inject_exception(struct vcpu *v, const struct cpu_exception *e)
{
    struct vmx_vcpu *s = v->backend;
    bool is_software = e->vector == VECTOR_BP || e->vector == VECTOR_OF;

    if (s->inject)
        return -EBUSY;
    s->inject = VMX_EVENT_VALID | e->vector |
                (is_software ? VMX_EVENT_SOFTWARE_EXCEPTION : VMX_EVENT_EXCEPTION) |
                (e->has_error ? VMX_EVENT_HAS_ERROR : 0);
    s->inject_error = e->error;
    s->inject_length = 1; /* INT3 and INTO */
    if (e->vector == VECTOR_PF)
        write_cr2(e->address);
    return 0;
}

static void request_interrupt(struct vcpu *v, uint8_t vector)
{
    struct vmx_vcpu *s = v->backend;

    s->has_request = true;
    s->request = vector;
}

static bool interrupt_pending(const struct vcpu *v)
{
    return ((const struct vmx_vcpu *)v->backend)->has_request;
}

static uint32_t copy_hypercall_code(const struct vcpu *v, uint8_t *page)
{
    (void)v;
    memcpy(page, hypercall_code, sizeof hypercall_code);
    return sizeof hypercall_code;
}

const struct cpu_ops vmx_ops = {
    .name = "vmx",
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

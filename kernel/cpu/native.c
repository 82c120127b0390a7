/* SPDX-License-Identifier: MIT */
/* No virtualization at all: what a guest costs on the bare machine, for comparison. */
#include "kernel/cpu/native.h"
#include <errno.h>
#include <string.h>
#include "kernel/apic.h"
#include "kernel/cpu/nested.h"
#include "kernel/mem.h"
#include "kernel/percpu.h"
#include "kernel/smp.h"
#include "kernel/trap.h"
#include "kernel/x86.h"

#define STUB_BYTES  16
#define ERROR_CODES 0x60227d00u /* #DF #TS #NP #SS #GP #PF #AC #CP #VC #SX */
#define PTE_P       (1ull << 0)
#define PTE_W       (1ull << 1)
#define PTE_PWT     (1ull << 3)
#define PTE_PCD     (1ull << 4)
#define PTE_PS      (1ull << 7)
#define PTE_NX      (1ull << 63)

/* Of the TSS's interrupt stacks, those behind the host's own. */
enum { IST_FRAME = BOOT_STACKS, IST_NMI };

/* PUSHFQ; CLI; MOV [context + 32], RAX; MOV RAX, context; JMP [RAX + 24]. Interrupts are off before
 * the context is written: a handler of the guest's may call, too. */
static const uint8_t hypercall_code[] = {
    0x9c, 0xfa, 0x48, 0xa3, 0,
    0,    0,    0,    0,    0,
    0,    0,    0x48, 0xb8, 0,
    0,    0,    0,    0,    0,
    0,    0,    0xff, 0x60, offsetof(struct native_context, hypercall)};
#define CODE_HYPERCALL_RAX 4
#define CODE_CONTEXT       14

extern const char native_begin[], native_end[], native_stubs[];
void native_enter(struct native_context *context, struct cpu_regs *regs);
void native_hypercall(void);

static struct trap_gate idt[TRAP_VECTORS] __attribute__((aligned(PAGE_SIZE)));

_Static_assert(sizeof idt == PAGE_SIZE, "nothing else is on the page that guests see");

/* What the guest's page table has of the hypervisor, each at its own address. The processor reads
 * the GDT and the TSS at every interrupt. */
struct shared {
    uint64_t begin, end;
    unsigned rights;
};

#define SHARED 4

static struct shared shared_with(const struct vcpu *v, unsigned i)
{
    const struct native_vcpu *n = v->backend;
    const struct shared all[SHARED] = {
        {(uint64_t)native_begin, (uint64_t)native_end, NESTED_READ | NESTED_EXEC},
        {(uint64_t)idt, (uint64_t)(idt + TRAP_VECTORS), NESTED_READ},
        {(uint64_t)percpus, (uint64_t)(percpus + SMP_MAX_CPUS), NESTED_READ},
        {(uint64_t)n->context, (uint64_t)n->context + PAGE_SIZE, NESTED_READ | NESTED_WRITE},
    };

    return all[i];
}

static bool shares(const struct vcpu *v, hpa_t page, bool writable)
{
    for (unsigned i = 0; i < SHARED; i++) {
        struct shared s = shared_with(v, i);

        if (page.v >= s.begin && page.v < s.end)
            return !writable || (s.rights & NESTED_WRITE);
    }
    return false;
}

static void unmap_shared(struct vcpu *v, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct shared s = shared_with(v, i);

        nested_unmap(v->nested, gpa(s.begin), s.end - s.begin);
    }
}

static int map_shared(struct vcpu *v)
{
    for (unsigned i = 0; i < SHARED; i++) {
        struct shared s = shared_with(v, i);
        int error = nested_map(v->nested, gpa(s.begin), hpa(s.begin), s.end - s.begin, s.rights,
                               PAGE_SIZE, false);

        if (error) {
            unmap_shared(v, i);
            return error;
        }
    }
    return 0;
}

static int enable(void)
{
    for (unsigned i = 0; i < TRAP_VECTORS; i++)
        trap_gate_set(&idt[i], (uint64_t)native_stubs + i * STUB_BYTES,
                      i == TRAP_NMI || i == TRAP_MACHINE_CHECK ? IST_NMI : IST_FRAME);
    /* As a virtual machine's guest finds it. The hypervisor has no use for it. */
    write_cr4(read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT);
    return 0;
}

/* Ordinary page tables, for the supervisor alone: SMEP and SMAP do not matter to it. */
static struct nested_format format(void)
{
    return (struct nested_format){
        .table = PTE_P | PTE_W,
        .read = PTE_P,
        .write = PTE_W,
        .no_exec = PTE_NX,
        .large = PTE_PS,
        .device = PTE_PCD | PTE_PWT,
        .present = PTE_P,
        .has_1g = cpuid(0x80000001, 0).edx & (1u << 26),
    };
}

static void init_context(struct native_context *c, const struct nested_table *nested)
{
    *c = (struct native_context){
        .guest_cr3 = nested_root(nested).v,
        .hypercall = native_hypercall,
        .idt = {.limit = sizeof idt - 1, .base = (uint64_t)idt},
        /* IF: else nothing would end a guest that does not call. To the guest interrupts are off
         * nevertheless, until it has a table for them. */
        .frame = {.cs = SELECTOR_CODE, .ss = SELECTOR_DATA, .rflags = RFLAGS_ONE | RFLAGS_IF},
    };
}

static int vcpu_init(struct vcpu *v)
{
    hpa_t backend = frame_alloc(), context = backend.v ? frame_alloc() : backend;
    struct native_vcpu *n = phys_to_virt(backend);
    int error;

    if (!context.v) {
        if (backend.v)
            frame_free(backend);
        return -ENOMEM;
    }
    *n = (struct native_vcpu){.context = phys_to_virt(context), .fpu = FPU_FRESH};
    init_context(n->context, v->nested);
    v->backend = n;
    v->regs = (struct cpu_regs){0};
    error = map_shared(v);
    if (error) {
        v->backend = NULL;
        frame_free(context);
        frame_free(backend);
    }
    return error;
}

static void vcpu_fini(struct vcpu *v)
{
    struct native_vcpu *n = v->backend;

    unmap_shared(v, SHARED);
    fpu_forget(&n->fpu);
    frame_free(virt_to_phys(n->context));
    frame_free(virt_to_phys(n));
    v->backend = NULL;
}

static void get_state(const struct vcpu *v, struct cpu_state *state)
{
    const struct native_vcpu *n = v->backend;

    *state = (struct cpu_state){.rsp = n->context->frame.rsp,
                                .rflags = n->context->frame.rflags,
                                .cr0 = read_cr0(),
                                .cr2 = n->cr2,
                                .cr3 = n->context->guest_cr3,
                                .cr4 = read_cr4(),
                                .efer = EFER_NXE | EFER_LMA | EFER_LME};
}

static void set_state(struct vcpu *v, const struct cpu_state *state)
{
    struct native_vcpu *n = v->backend;

    n->context->frame.rsp = state->rsp;
    n->context->frame.rflags = state->rflags;
}

/* The stacks that this CPU's gates name are this vCPU's, and the host's state is this CPU's. */
static void take_cpu(struct native_context *c, uint32_t cpu)
{
    struct percpu *self = &percpus[cpu];

    self->tss.ist[IST_FRAME - 1] = (uint64_t)(&c->frame + 1);
    self->tss.ist[IST_NMI - 1] = (uint64_t)(&c->nmi + 1);
    if (c->host_cr3)
        return;
    c->host_cr3 = read_cr3();
    __asm__ volatile("sidt %0; sgdt %1" : "=m"(c->host_idt), "=m"(c->host_gdt));
}

/* The host's own handler, as if the interrupt had met the host. */
static void serve(uint64_t vector)
{
    struct trap_frame frame = {.vector = vector};

    trap_dispatch(&frame);
}

static void decode_exception(struct native_vcpu *n, struct cpu_exit *exit)
{
    const struct native_frame *f = &n->context->frame;

    n->cr2 = read_cr2();
    exit->reason = CPU_EXIT_EXCEPTION;
    exit->exception.event = (struct cpu_exception){
        .vector = (uint8_t)f->vector,
        .has_error = ERROR_CODES >> f->vector & 1,
        .error = (uint32_t)f->error,
        .address = f->vector == TRAP_PAGE_FAULT ? n->cr2 : 0,
    };
    exit->exception.has_handler = n->idt.limit != 0;
}

static void decode(struct native_vcpu *n, struct cpu_exit *exit)
{
    uint64_t vector = n->context->frame.vector;

    *exit = (struct cpu_exit){.raw = vector};
    if (vector == NATIVE_HYPERCALL) {
        exit->reason = CPU_EXIT_HYPERCALL; /* RIP is behind the call already */
    } else if (vector == TRAP_NMI) {
        exit->reason = CPU_EXIT_HOST_NMI;
        serve(vector);
    } else if (vector < TRAP_EXCEPTIONS) {
        decode_exception(n, exit);
    } else {
        exit->reason = CPU_EXIT_HOST_INTERRUPT;
        serve(vector);
    }
}

/* LIDT does not exit: the guest's own table is found in IDTR at its next call, and takes effect no
 * longer. */
static void keep_idt(struct native_vcpu *n)
{
    if (n->context->found_idt.base != (uint64_t)idt)
        n->idt = n->context->found_idt;
}

/* Each load of CR3 flushes all that this CPU holds of the table: no page here is global. */
static void switch_to(struct vcpu *v, uint32_t cpu)
{
    struct native_vcpu *n = v->backend;

    nested_enter(v, cpu);
    nested_flushed(v, cpu);
    nested_assert_fresh(v, cpu);
    native_enter(n->context, &v->regs);
    nested_leave(cpu);
}

static void run(struct vcpu *v, struct cpu_exit *exit)
{
    struct native_vcpu *n = v->backend;
    uint32_t cpu = smp_cpu();

    if (!native_deliver(v)) {
        *exit = (struct cpu_exit){.reason = CPU_EXIT_TRIPLE_FAULT};
        return;
    }
    take_cpu(n->context, cpu);
    fpu_switch(&n->fpu);
    switch_to(v, cpu);
    keep_idt(n);
    if (n->context->late) {
        serve(n->context->late);
        n->context->late = 0;
    }
    decode(n, exit);
}

static int inject_exception(struct vcpu *v, const struct cpu_exception *exception)
{
    struct native_vcpu *n = v->backend;

    if (n->has_exception)
        return -EBUSY;
    n->has_exception = true;
    n->exception = *exception;
    return 0;
}

static void request_interrupt(struct vcpu *v, uint8_t vector)
{
    struct native_vcpu *n = v->backend;

    n->has_interrupt = true;
    n->interrupt = vector;
}

static bool interrupt_pending(const struct vcpu *v)
{
    return ((const struct native_vcpu *)v->backend)->has_interrupt;
}

static uint32_t copy_hypercall_code(const struct vcpu *v, uint8_t *page)
{
    const struct native_vcpu *n = v->backend;
    uint64_t *rax = &n->context->hypercall_rax;

    memcpy(page, hypercall_code, sizeof hypercall_code);
    memcpy(page + CODE_HYPERCALL_RAX, &rax, sizeof rax);
    memcpy(page + CODE_CONTEXT, &n->context, sizeof n->context);
    return sizeof hypercall_code;
}

const struct cpu_ops native_ops = {
    .name = "native",
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
    .shares = shares,
};

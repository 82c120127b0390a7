/* SPDX-License-Identifier: MIT */
/* What a guest did that it must not do, in words, and where it was. */
#include "kernel/log.h"
#include "kernel/mem.h"
#include "kernel/vm_parts.h"
#include "lib/fmt.h"

#define WHY_BYTES  128
#define CODE_BYTES 16
#define LEVELS     4u
#define FRAME      0x000ffffffffff000ull
#define PTE_P      (1ull << 0)
#define PTE_PS     (1ull << 7)

static const char *const exceptions[32] = {
    [0] = "division error",   [1] = "debug exception", [3] = "breakpoint",
    [4] = "overflow",         [5] = "bound exceeded",  [6] = "invalid opcode",
    [7] = "no FPU",           [8] = "double fault",    [10] = "invalid TSS",
    [11] = "segment missing", [12] = "stack fault",    [13] = "general protection",
    [14] = "page fault",      [16] = "x87 error",      [17] = "misaligned access",
    [18] = "machine check",   [19] = "SIMD error",     [21] = "control protection",
};

static uint64_t read_word(const struct vm *vm, gpa_t at, bool *readable)
{
    const volatile uint64_t *word = vm_ram(vm, at, sizeof *word);
    uint64_t value = 0;

    *readable = word != NULL;
    if (!word)
        return 0;
    guest_access_begin();
    value = *word;
    guest_access_end();
    return value;
}

/* Through the guest's own page tables, which may hold anything. A native guest's are the
 * hypervisor's: GPA = HPA = virtual address. */
static bool translate(const struct vm *vm, uint64_t address, gpa_t *to)
{
    struct cpu_state state;
    uint64_t entry;

    *to = gpa(address);
    if (vm->params->native)
        return true;
    vm->cpu->get_state(&vm->vcpu, &state);
    entry = state.cr3;
    for (unsigned level = LEVELS; level > 0; level--) {
        unsigned shift = PAGE_SHIFT + 9 * (level - 1);
        uint64_t offset = (1ull << shift) - 1;
        bool readable;

        entry = read_word(vm, gpa((entry & FRAME) + (address >> shift & 511) * 8), &readable);
        if (!readable || !(entry & PTE_P))
            return false;
        if (level == 1 || (level < LEVELS && (entry & PTE_PS))) {
            *to = gpa((entry & FRAME & ~offset) | (address & offset));
            return true;
        }
    }
    return false;
}

static void show_code(const struct vm *vm)
{
    char text[3 * CODE_BYTES + 1] = "";
    uint64_t rip = vm->vcpu.regs.rip;
    gpa_t at = gpa(0);
    bool readable = translate(vm, rip, &at);
    uint64_t code[2] = {0};

    for (unsigned i = 0; i < 2 && readable; i++)
        code[i] = read_word(vm, gpa(at.v + 8 * i), &readable);
    for (unsigned i = 0; i < CODE_BYTES; i++)
        fmt_snprintf(text + 3 * i, sizeof text - 3 * i, " %02x",
                     (unsigned)(code[i / 8] >> i % 8 * 8 & 0xff));
    log_error("vm", "  RIP %016lx = image + 0x%lx:%s", rip, rip - vm->image.v,
              readable ? text : " not readable");
}

void vm_report(struct vm *vm)
{
    const struct cpu_regs *r = &vm->vcpu.regs;
    struct cpu_state s;

    vm->cpu->get_state(&vm->vcpu, &s);

    log_error("vm", "guest: %s", vm->outcome->reason);
    show_code(vm);
    log_error("vm", "  RAX %016lx RBX %016lx RCX %016lx RDX %016lx", r->rax, r->rbx, r->rcx,
              r->rdx);
    log_error("vm", "  RSI %016lx RDI %016lx RBP %016lx RSP %016lx", r->rsi, r->rdi, r->rbp, s.rsp);
    log_error("vm", "  R8  %016lx R9  %016lx R10 %016lx R11 %016lx", r->r8, r->r9, r->r10, r->r11);
    log_error("vm", "  R12 %016lx R13 %016lx R14 %016lx R15 %016lx", r->r12, r->r13, r->r14,
              r->r15);
    log_error("vm", "  CR0 %lx CR2 %lx CR3 %lx CR4 %lx EFER %lx RFLAGS %lx", s.cr0, s.cr2, s.cr3,
              s.cr4, s.efer, s.rflags);
    log_error("vm", "  last hypercall %ld, %lu in all", (int64_t)vm->last_call,
              vm->counters.hypercalls);
}

static void tell_nested_fault(const struct cpu_exit *exit, char why[WHY_BYTES])
{
    const char *did = exit->nested.access & CPU_ACCESS_EXEC    ? "executed at"
                      : exit->nested.access & CPU_ACCESS_WRITE ? "wrote"
                                                               : "read";

    if (exit->nested.table_walk)
        fmt_snprintf(why, WHY_BYTES, "its page tables lie at 0x%lx, outside its RAM",
                     exit->nested.address.v);
    else if (exit->nested.present)
        fmt_snprintf(why, WHY_BYTES, "it %s 0x%lx, which is there, but not for that", did,
                     exit->nested.address.v);
    else
        fmt_snprintf(why, WHY_BYTES, "it %s 0x%lx: outside its RAM and its device", did,
                     exit->nested.address.v);
}

static void tell_exception(const struct cpu_exception *e, char why[WHY_BYTES])
{
    const char *name =
        e->vector < 32 && exceptions[e->vector] ? exceptions[e->vector] : "exception";
    char detail[64] = "";

    if (e->vector == 14)
        fmt_snprintf(detail, sizeof detail, " at 0x%lx, error 0x%x", e->address, e->error);
    else if (e->has_error)
        fmt_snprintf(detail, sizeof detail, ", error 0x%x", e->error);
    fmt_snprintf(why, WHY_BYTES, "exception %u (%s%s), and it has no handlers", e->vector, name,
                 detail);
}

static void tell(const struct cpu_exit *exit, char why[WHY_BYTES])
{
    switch (exit->reason) {
    case CPU_EXIT_IO:
        fmt_snprintf(why, WHY_BYTES, "it %s port 0x%x (width %u%s), and has no ports",
                     exit->io.write ? "wrote" : "read", exit->io.port, exit->io.bytes,
                     exit->io.string ? ", string" : "");
        return;
    case CPU_EXIT_RDMSR:
        fmt_snprintf(why, WHY_BYTES, "it read MSR 0x%x, which is not its own", exit->msr.index);
        return;
    case CPU_EXIT_WRMSR:
        fmt_snprintf(why, WHY_BYTES, "it wrote 0x%lx to MSR 0x%x, which is not its own",
                     exit->msr.value, exit->msr.index);
        return;
    case CPU_EXIT_CONTROL:
        fmt_snprintf(why, WHY_BYTES, "%s, which a guest must not do", exit->what);
        return;
    case CPU_EXIT_VIRT:
        fmt_snprintf(why, WHY_BYTES, "the virtualization instruction %s", exit->what);
        return;
    case CPU_EXIT_NESTED_FAULT:
        tell_nested_fault(exit, why);
        return;
    case CPU_EXIT_EXCEPTION:
        tell_exception(&exit->exception.event, why);
        return;
    case CPU_EXIT_TRIPLE_FAULT:
        fmt_snprintf(why, WHY_BYTES, "triple fault: its exception handlers fail themselves");
        return;
    default:
        fmt_snprintf(why, WHY_BYTES, "unknown exit 0x%lx", exit->raw);
    }
}

void vm_crash(struct vm *vm, const struct cpu_exit *exit)
{
    char why[WHY_BYTES];

    tell(exit, why);
    vm_end(vm, VM_END_CRASH, 0, "the guest crashed: %s; at RIP 0x%lx", why, vm->vcpu.regs.rip);
    vm_report(vm);
}

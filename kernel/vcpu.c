/* SPDX-License-Identifier: MIT */
/* The run loop: an exit, counted and answered, until the guest has ended. */
#include "kernel/log.h"
#include "kernel/panic.h"
#include "kernel/smp.h"
#include "kernel/time.h"
#include "kernel/vm_parts.h"
#include "kernel/wait.h"
#include "kernel/x86.h"

#define VECTOR_MC 18u

typedef void (*exit_handler)(struct vm *vm, const struct cpu_exit *exit);

/* The next entry goes on behind the instruction that left. */
static void skip(struct vm *vm, const struct cpu_exit *exit)
{
    vm->vcpu.regs.rip += exit->length;
}

static void serve_hypercall(struct vm *vm, const struct cpu_exit *exit)
{
    skip(vm, exit);
    hypercall(vm);
}

static void serve_cpuid(struct vm *vm, const struct cpu_exit *exit)
{
    vcpu_cpuid(&vm->vcpu.regs);
    skip(vm, exit);
}

/* With interrupts on it sleeps until its own comes, or the host's next tick; one that is on its way
 * already wakes it at once. With interrupts off it stays where it is, and its heartbeat ends it. */
static void serve_hlt(struct vm *vm, const struct cpu_exit *exit)
{
    struct cpu_state state;

    vm->cpu->get_state(&vm->vcpu, &state);
    if (!(state.rflags & RFLAGS_IF)) {
        wait_for_interrupt();
        return;
    }
    if (!vm_interrupt_is_new(vm) && !vm->cpu->interrupt_pending(&vm->vcpu))
        wait_for_interrupt();
    vm_interrupt_woken(vm);
    skip(vm, exit);
}

static void serve_exception(struct vm *vm, const struct cpu_exit *exit)
{
    const struct cpu_exception *event = &exit->exception.event;

    if (event->vector == VECTOR_MC)
        panic("machine check while a guest ran, at its RIP 0x%lx", vm->vcpu.regs.rip);
    if (!exit->exception.has_handler || vm->cpu->inject_exception(&vm->vcpu, event) != 0)
        vm_crash(vm, exit);
}

static void serve_nested_fault(struct vm *vm, const struct cpu_exit *exit)
{
    if (!vm_calibrate_fault(vm, exit))
        vm_crash(vm, exit);
}

static void serve_failed_entry(struct vm *vm, const struct cpu_exit *exit)
{
    vm_end(vm, VM_END_HARDWARE, 0,
           "the processor refuses to enter the guest: %s. A defect of the hypervisor: please "
           "report it",
           exit->what);
    vm_report(vm);
}

static void serve_broken_table(struct vm *vm, const struct cpu_exit *exit)
{
    vm_end(vm, VM_END_HARDWARE, 0,
           "the processor refuses the nested table's entry for 0x%lx. A defect of the hypervisor: "
           "please report it",
           exit->nested.address.v);
    vm_report(vm);
}

/* The host has served it already, or the guest goes on with the same instruction. */
static void go_on(struct vm *vm, const struct cpu_exit *exit)
{
    (void)vm;
    (void)exit;
}

/* What is not here is a crash. */
static const exit_handler handlers[CPU_EXIT_REASONS] = {
    [CPU_EXIT_HYPERCALL] = serve_hypercall,
    [CPU_EXIT_CPUID] = serve_cpuid,
    [CPU_EXIT_HLT] = serve_hlt,
    [CPU_EXIT_EXCEPTION] = serve_exception,
    [CPU_EXIT_IDT_LOAD] = go_on,
    [CPU_EXIT_HOST_INTERRUPT] = go_on,
    [CPU_EXIT_DEVICE_INTERRUPT] = go_on,
    [CPU_EXIT_HOST_NMI] = go_on,
    [CPU_EXIT_INTERRUPT_WINDOW] = go_on,
    [CPU_EXIT_NESTED_FAULT] = serve_nested_fault,
    [CPU_EXIT_NESTED_BROKEN] = serve_broken_table,
    [CPU_EXIT_ENTRY_FAILED] = serve_failed_entry,
};

/* The window's own two calls are no part of what it measures. */
static bool is_window_call(const struct vm *vm, const struct cpu_exit *exit)
{
    uint64_t number = vm->vcpu.regs.rax;

    return exit->reason == CPU_EXIT_HYPERCALL &&
           (number == ABI_WINDOW_BEGIN || number == ABI_WINDOW_END);
}

static void count(struct vm *vm, const struct cpu_exit *exit)
{
    struct vm_counters *c = &vm->counters;

    if (is_window_call(vm, exit))
        return;
    c->hypercalls += exit->reason == CPU_EXIT_HYPERCALL;
    if (exit->reason == CPU_EXIT_HOST_INTERRUPT || exit->reason == CPU_EXIT_HOST_NMI)
        c->exits_host++;
    else if (vm->params->native)
        return; /* a call, or an interrupt: it has not left a virtual machine */
    else
        c->exits++;
    c->by_reason[exit->reason]++;
}

void vcpu_loop(struct vm *vm)
{
    bool has_rescue = vm->params->native && vm_rescue_begin(vm);
    struct cpu_exit exit;

    vm_watch_timer(vm);
    vm_watch_start(vm);
    while (!vm->ended) {
        vm_interrupt_forward(vm);
        vm->cpu->run(&vm->vcpu, &exit);
        if (exit.reason == CPU_EXIT_HOST_INTERRUPT && vm_interrupt_is_new(vm))
            exit.reason = CPU_EXIT_DEVICE_INTERRUPT;
        count(vm, &exit);
        if (handlers[exit.reason])
            handlers[exit.reason](vm, &exit);
        else
            vm_crash(vm, &exit);
        vm_dma_look(vm);
        vm_watch_look(vm);
    }
    apic_timer(0);
    if (has_rescue)
        vm_rescue_end();
}

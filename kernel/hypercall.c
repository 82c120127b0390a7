/* SPDX-License-Identifier: MIT */
/* The guest's calls by number. Each does bounded work, and whatever its arguments are, the worst it
 * can do is to end its own guest. */
#include <errno.h>
#include "kernel/smp.h"
#include "kernel/time.h"
#include "kernel/vm_parts.h"
#include "kernel/wait.h"

typedef int64_t (*call)(struct vm *vm, uint64_t first, uint64_t second);

static int64_t call_null(struct vm *vm, uint64_t first, uint64_t second)
{
    (void)vm;
    (void)first;
    (void)second;
    return 0;
}

static int64_t call_console_write(struct vm *vm, uint64_t text, uint64_t bytes)
{
    return vm_console_write(vm, gpa(text), bytes);
}

static int64_t call_exit(struct vm *vm, uint64_t status, uint64_t second)
{
    (void)second;
    vm_end(vm, VM_END_EXIT, status, "the guest exited with status %lu", status);
    return 0;
}

static int64_t call_dma_init(struct vm *vm, uint64_t floor, uint64_t second)
{
    (void)second;
    return vm_dma_set_floor(vm, floor);
}

static int64_t call_dma_map(struct vm *vm, uint64_t descriptors, uint64_t second)
{
    (void)second;
    return vm_dma_map(vm, descriptors);
}

static int64_t call_window_begin(struct vm *vm, uint64_t first, uint64_t second)
{
    (void)first;
    (void)second;
    return vm_window_begin(vm);
}

static int64_t call_window_end(struct vm *vm, uint64_t counts, uint64_t second)
{
    (void)second;
    return vm_window_end(vm, gpa(counts));
}

/* At most half of the deadline, so that a guest which beats before each wait never misses it. */
static int64_t call_wait_until(struct vm *vm, uint64_t when, uint64_t second)
{
    uint64_t now = tsc_read(), latest = now + us_to_tsc(vm->params->deadline_ms * 500ull);
    bool slept = false;

    (void)second;
    if (when > latest)
        when = latest;
    for (; now < when && !vm->ended && !vm_interrupt_wakes(vm); now = tsc_read()) {
        apic_timer_once(vm_dma_sleep(vm, tsc_to_us(when - now) + 1));
        wait_for_interrupt();
        vm_dma_look(vm);
        slept = true;
    }
    vm_interrupt_woken(vm);
    if (slept)
        vm_watch_timer(vm);
    return 0;
}

static int64_t call_calibrate_page(struct vm *vm, uint64_t first, uint64_t second)
{
    (void)first;
    (void)second;
    return vm_calibrate_page(vm);
}

static int64_t call_calibrate_end(struct vm *vm, uint64_t figures, uint64_t second)
{
    (void)second;
    return vm_calibrate_end(vm, gpa(figures));
}

static const call calls[ABI_HYPERCALLS] = {
    [ABI_NULL] = call_null,
    [ABI_CONSOLE_WRITE] = call_console_write,
    [ABI_EXIT] = call_exit,
    [ABI_DMA_INIT] = call_dma_init,
    [ABI_DMA_MAP] = call_dma_map,
    [ABI_WINDOW_BEGIN] = call_window_begin,
    [ABI_WINDOW_END] = call_window_end,
    [ABI_WAIT_UNTIL] = call_wait_until,
    [ABI_CALIBRATE_PAGE] = call_calibrate_page,
    [ABI_CALIBRATE_END] = call_calibrate_end,
};

void hypercall(struct vm *vm)
{
    struct cpu_regs *r = &vm->vcpu.regs;
    int64_t result = -ENOSYS;

    vm->last_call = r->rax;
    if (r->rax < ABI_HYPERCALLS)
        result = calls[r->rax](vm, r->rdi, r->rsi);
    r->rax = (uint64_t)result;
}

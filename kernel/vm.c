/* SPDX-License-Identifier: MIT */
/* A guest's life as two lists: how it is made, and how it is taken apart. */
#include "kernel/vm.h"
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include "kernel/log.h"
#include "kernel/mem.h"
#include "kernel/vm_parts.h"
#include "kernel/walker.h"
#include "lib/fmt.h"
#include "vtd/vtd.h"

static int make_vcpu(struct vm *vm)
{
    vm->vcpu.nested = vm->nested;
    return vm->cpu->vcpu_init(&vm->vcpu);
}

/* The device comes last: from then on it may write into the guest's memory. */
static int make(struct vm *vm)
{
    int error = vm_memory_create(vm);

    if (!error)
        error = make_vcpu(vm);
    if (!error)
        error = vm_load(vm);
    if (!error)
        error = vm_device_reset(vm);
    if (!error)
        error = vm_dma_create(vm);
    if (!error)
        error = vm_device_open(vm);
    return error;
}

/* The device goes first, and memory last: nothing is reused while a DMA may reach it. */
static void take_apart(struct vm *vm)
{
    vm_device_quiet(vm);
    vm_interrupt_close(vm);
    vm_device_close(vm);
    vm_dma_destroy(vm);
    if (vm->vcpu.backend)
        vm->cpu->vcpu_fini(&vm->vcpu);
    vm_memory_destroy(vm);
}

/* Translation is off with DMA_NONE: its one device is quiet, and that is all there is to say. */
static void check_nothing_is_left(struct vm *vm)
{
    if (vm->params->dma.strategy != DMA_NONE && walker_check(NULL, NULL) > 0)
        vm_end(vm, VM_END_HARDWARE, 0,
               "a device reaches memory, or can interrupt, after its guest has ended, see above");
}

void vm_check_isolation(struct vm *vm)
{
    uint64_t violations;

    vm_calibrate_close(vm);
    violations = walker_check(vm, NULL);
    if (violations == 0)
        return;
    vm->is_tainted = true;
    vm_end(vm, VM_END_HARDWARE, 0,
           "isolation does not hold in %lu places, see above: a defect of the hypervisor, and "
           "nothing of this guest is reused",
           violations);
}

int vm_run(const struct vm_params *params, const struct cpu_ops *cpu, struct vm_outcome *outcome)
{
    struct vm vm = {.params = params, .cpu = cpu, .outcome = outcome, .quota = DMA_NO_QUOTA};
    int error;

    memset(outcome, 0, sizeof *outcome);
    vm_trace_forget();
    error = make(&vm);
    if (!error) {
        vcpu_loop(&vm);
        vm_check_isolation(&vm);
        vm_trace_dump(&vm);
    }
    take_apart(&vm);
    check_nothing_is_left(&vm);
    vtd_poll_faults();
    if (vm.ended)
        return 0;
    log_error("vm",
              "no memory for a guest of %luM, whose RAM must be in one piece: give the machine "
              "more, or the guest less",
              params->memory >> 20);
    return error;
}

void *vm_ram(const struct vm *vm, gpa_t address, uint64_t bytes)
{
    uint64_t offset = address.v - vm->ram_gpa.v; /* wraps to a large one below RAM */

    if (offset > vm->ram_bytes || bytes > vm->ram_bytes - offset)
        return NULL;
    return phys_to_virt(hpa(vm->ram.v + offset));
}

void vm_end(struct vm *vm, enum vm_end end, uint64_t status, const char *format, ...)
{
    struct vm_outcome *o = vm->outcome;
    va_list args;

    if (vm->ended && (end != VM_END_HARDWARE || o->end == VM_END_HARDWARE))
        return;
    vm->ended = true;
    o->end = end;
    o->status = status;
    va_start(args, format);
    fmt_vsnprintf(o->reason, sizeof o->reason, format, args);
    va_end(args);
}

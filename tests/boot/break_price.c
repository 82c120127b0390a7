/* SPDX-License-Identifier: MIT */
/* A hypervisor in which one thing takes longer by a number of instructions that is known, or is
 * left out, or never ends: seed= says which. */
#include <errno.h>
#include "kernel/apic.h"
#include "kernel/log.h"
#include "kernel/vm_parts.h"
#include "vtd/unit.h"

#define TURNS      5000 /* of two instructions */
#define GOOD_WAITS 40

enum {
    INTACT,
    SLOW_HYPERCALL,
    SLOW_FAULT,
    SLOW_QUEUE,
    SLOW_INTERRUPT,
    NOTHING_UNMAPPED,
    DEAD_QUEUE
};

int __real_vm_device_reset(struct vm *vm);
int __wrap_vm_device_reset(struct vm *vm);
void __real_hypercall(struct vm *vm);
void __wrap_hypercall(struct vm *vm);
int __real_nested_map(struct nested_table *table, gpa_t guest, hpa_t host, uint64_t bytes,
                      unsigned rights, uint64_t largest, bool device);
int __wrap_nested_map(struct nested_table *table, gpa_t guest, hpa_t host, uint64_t bytes,
                      unsigned rights, uint64_t largest, bool device);
void __real_nested_unmap(struct nested_table *table, gpa_t guest, uint64_t bytes);
void __wrap_nested_unmap(struct nested_table *table, gpa_t guest, uint64_t bytes);
int __real_vtd_queue_wait(struct vtd_unit *u, dma_token_t token);
int __wrap_vtd_queue_wait(struct vtd_unit *u, dma_token_t token);
void __real_apic_eoi(void);
void __wrap_apic_eoi(void);

static uint64_t seed;

static void slow(uint64_t which)
{
    uint32_t turns = TURNS;

    if (seed == which)
        __asm__ volatile("1: dec %0; jnz 1b" : "+r"(turns)::"cc");
}

int __wrap_vm_device_reset(struct vm *vm)
{
    seed = vm->params->seed;
    return __real_vm_device_reset(vm);
}

void __wrap_hypercall(struct vm *vm)
{
    slow(SLOW_HYPERCALL);
    __real_hypercall(vm);
}

int __wrap_nested_map(struct nested_table *table, gpa_t guest, hpa_t host, uint64_t bytes,
                      unsigned rights, uint64_t largest, bool device)
{
    slow(SLOW_FAULT);
    return __real_nested_map(table, guest, host, bytes, rights, largest, device);
}

void __wrap_nested_unmap(struct nested_table *table, gpa_t guest, uint64_t bytes)
{
    if (seed != NOTHING_UNMAPPED)
        __real_nested_unmap(table, guest, bytes);
}

int __wrap_vtd_queue_wait(struct vtd_unit *u, dma_token_t token)
{
    static unsigned waits;

    slow(SLOW_QUEUE);
    if (seed != DEAD_QUEUE || waits++ < GOOD_WAITS)
        return __real_vtd_queue_wait(u, token);
    log_error("test", "token %lu never comes", token);
    return -ETIMEDOUT;
}

void __wrap_apic_eoi(void)
{
    slow(SLOW_INTERRUPT);
    __real_apic_eoi();
}

/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include "kernel/apic.h"
#include "kernel/layout.h"
#include "kernel/log.h"
#include "kernel/panic.h"
#include "kernel/percpu.h"
#include "kernel/trap.h"

#define STUB_BYTES        16
#define GATE_INTERRUPT    0x8e /* present, DPL 0, 64-bit interrupt gate: clears IF */
#define UNEXPECTED_LOGGED 8u

_Static_assert(sizeof(struct trap_frame) == 0xb0, "kernel/stubs.asm has these offsets");

extern const char trap_stubs[];

static struct trap_gate idt[TRAP_VECTORS] __attribute__((aligned(16)));
static trap_handler handlers[TRAP_VECTORS];

static uint8_t stack_of(unsigned vector)
{
    switch (vector) {
    case TRAP_DOUBLE_FAULT:
        return STACK_DOUBLE_FAULT;
    case TRAP_NMI:
        return STACK_NMI;
    case TRAP_MACHINE_CHECK:
        return STACK_MACHINE_CHECK;
    default:
        return 0; /* the one in use */
    }
}

void trap_gate_set(struct trap_gate *gate, uint64_t entry, uint8_t ist)
{
    *gate = (struct trap_gate){.offset_low = (uint16_t)entry,
                               .selector = SELECTOR_CODE,
                               .ist = ist,
                               .type = GATE_INTERRUPT,
                               .offset_middle = (uint16_t)(entry >> 16),
                               .offset_high = (uint32_t)(entry >> 32)};
}

void trap_init(void)
{
    void *tops[BOOT_STACKS];

    for (unsigned i = 0; i < BOOT_STACKS; i++)
        tops[i] = boot_stacks[i].bytes + STACK_BYTES;
    percpu_load(&percpus[0], tops);
    for (unsigned v = 0; v < TRAP_VECTORS; v++)
        trap_gate_set(&idt[v], (uint64_t)trap_stubs + v * STUB_BYTES, stack_of(v));
    trap_load_idt();
}

void trap_load_idt(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) idtr = {sizeof(idt) - 1, (uint64_t)idt};

    __asm__ volatile("lidt %0" ::"m"(idtr));
}

void trap_set_handler(uint8_t vector, trap_handler fn)
{
    handlers[vector] = fn;
}

/* A device's or a bridge's, never asked for: seen, answered, and no reason to stop. */
static void unexpected(const struct trap_frame *frame)
{
    static unsigned seen;

    if (seen < UNEXPECTED_LOGGED) {
        seen++;
        log_warn("trap", "interrupt at vector %lu, which nothing serves%s", frame->vector,
                 seen == UNEXPECTED_LOGGED ? "; further ones are not shown" : "");
    }
    apic_eoi();
}

void trap_dispatch(struct trap_frame *frame)
{
    if (handlers[frame->vector] != NULL)
        handlers[frame->vector](frame);
    else if (frame->vector < TRAP_EXCEPTIONS)
        panic_trap(frame);
    else
        unexpected(frame);
}

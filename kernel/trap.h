/* SPDX-License-Identifier: MIT */
/*
 * Exceptions and interrupts. Gates clear IF: a handler runs with interrupts off. On the boot CPU
 * interrupts are off from the first instruction, and only code that waits for one turns them on.
 */
#ifndef KERNEL_TRAP_H
#define KERNEL_TRAP_H

#include <stdint.h>

/* As kernel/stubs.asm pushes it; from error on as the CPU does. */
struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
    uint64_t rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector, error; /* error 0 where the CPU pushes none */
    uint64_t rip, cs, rflags, rsp, ss;
};

enum trap_vector {
    TRAP_DEBUG = 1,
    TRAP_NMI = 2,
    TRAP_INVALID_OPCODE = 6,
    TRAP_DOUBLE_FAULT = 8,
    TRAP_GENERAL_PROTECTION = 13,
    TRAP_PAGE_FAULT = 14,
    TRAP_MACHINE_CHECK = 18,
    TRAP_EXCEPTIONS = 32, /* vectors from here on are interrupts */
    TRAP_PIC = 32,        /* to 47; masked, but a PIC may still raise a spurious one */
    TRAP_TIMER = 64,
    TRAP_CALL = 65,
    TRAP_DEVICE = 66,
    TRAP_SPURIOUS = 255, /* its low four bits are ones on every local APIC */
    TRAP_VECTORS = 256
};

/* SDM volume 3 section 6.14.1 */
struct trap_gate {
    uint16_t offset_low, selector;
    uint8_t ist, type;
    uint16_t offset_middle;
    uint32_t offset_high, reserved;
};

_Static_assert(sizeof(struct trap_gate) == 16, "SDM 6.14.1");

/* An interrupt gate to entry, on this stack of the TSS's; 0: the one in use. */
void trap_gate_set(struct trap_gate *gate, uint64_t entry, uint8_t ist);

/* The boot CPU's segments, stacks and the table of all vectors. */
void trap_init(void);
/* This CPU takes the same table. */
void trap_load_idt(void);

/* fn serves the vector from now on, in place of a panic (exceptions) or a warning (interrupts). An
 * interrupt's handler calls apic_eoi. */
typedef void (*trap_handler)(struct trap_frame *frame);
void trap_set_handler(uint8_t vector, trap_handler fn);

/* What the vector's entry comes to, kernel/stubs.asm's, or that of an interrupt which met a native
 * guest: then the frame has the vector alone. */
void trap_dispatch(struct trap_frame *frame);

/* kernel/stubs.asm: fills frame with the caller's registers. */
void trap_capture(struct trap_frame *frame);

#endif

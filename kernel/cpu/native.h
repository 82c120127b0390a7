/* SPDX-License-Identifier: MIT */
/*
 * The guest on the bare machine: in ring 0, with the nested table as its page table, which maps its
 * RAM, its device, and of the hypervisor what the switch below needs. Nothing is intercepted: a
 * hypercall is a call, a host's interrupt and an exception of the guest's enter by an interrupt
 * table of this backend's. What ring 0 may do to the machine, the guest may do.
 */
#ifndef KERNEL_CPU_NATIVE_H
#define KERNEL_CPU_NATIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/fpu.h"

/* In place of a vector: the guest has called its hypercall page. */
#define NATIVE_HYPERCALL 256u

/* From rip on as an interrupt of the processor pushes it and IRETQ takes it (SDM volume 3, section
 * 6.14.2); RSP is aligned to 16 bytes first, so a frame ends there. */
struct native_frame {
    uint64_t rax, vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};

/* As LIDT and LGDT take it, in room for aligned ones. */
struct native_register {
    uint16_t limit;
    uint64_t base;
    uint8_t reserved[6];
} __attribute__((packed));

/* The one page that the guest's and the host's tables have in common for writing. The stacks of the
 * interrupt table's gates end where the frames do: the processor itself saves the guest there. */
struct native_context {
    uint64_t host_cr3, guest_cr3, host_rsp;
    void (*hypercall)(void); /* where the hypercall page jumps to */
    uint64_t hypercall_rax;
    uint64_t late; /* vector of an NMI or a machine check inside of the switch; 0: none */
    struct native_register host_idt, host_gdt, idt;
    struct native_register found_idt; /* IDTR when the guest was left */
    struct native_frame frame, nmi;
};

_Static_assert(offsetof(struct native_context, host_idt) == 48, "native_enter.asm has the offsets");
_Static_assert(offsetof(struct native_context, frame) == 112, "native_enter.asm has the offsets");
_Static_assert(offsetof(struct native_context, nmi) == 176, "native_enter.asm has the offsets");
_Static_assert(sizeof(struct native_context) == 240, "both stacks end on 16 bytes");

/* vcpu.backend: the hypervisor's alone. */
struct native_vcpu {
    struct native_context *context;
    struct native_register idt; /* the guest's own; limit 0: not seen yet */
    struct cpu_exception exception;
    bool has_exception; /* the next entry delivers it */
    bool has_interrupt; /* delivered as soon as the guest lets it in */
    uint8_t interrupt;
    uint64_t cr2; /* at the last exception */
    struct fpu_state fpu;
};

/* native_event.c: the event on its way into the guest, if there is one, through the guest's own
 * interrupt table. false: that table or the guest's stack cannot take it, a triple fault. */
bool native_deliver(struct vcpu *v);

#endif

/* SPDX-License-Identifier: MIT */
/* What each CPU has for itself. */
#ifndef KERNEL_PERCPU_H
#define KERNEL_PERCPU_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "kernel/smp.h"
#include "kernel/stack.h"

#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10
#define SELECTOR_TSS  0x18

/* SDM volume 3 section 8.7 */
struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3, io_map;
} __attribute__((packed));

_Static_assert(sizeof(struct tss) == 104, "SDM 8.7");

/* What smp_call asks of this CPU. */
enum mailbox_state { MAILBOX_FREE, MAILBOX_FILLING, MAILBOX_FULL, MAILBOX_DONE };

struct mailbox {
    _Atomic enum mailbox_state state;
    void (*fn)(void *);
    void *arg;
};

/* Padded, so that all of them fill pages of their own: a native guest's page table has these,
 * read-only. */
struct percpu {
    uint64_t gdt[5]; /* null, code, data, TSS (two entries) */
    struct tss tss;
    uint32_t apic_id;
    atomic_bool online;
    struct mailbox mailbox;
} __attribute__((aligned(256)));

_Static_assert(sizeof(struct percpu) * SMP_MAX_CPUS % PAGE_SIZE == 0, "whole pages");

extern struct percpu percpus[SMP_MAX_CPUS]; /* index as in smp_cpu() */

/* Loads this CPU's own segments and its TSS. tops: enum cpu_stack's, STACK_MAIN's unused. */
void percpu_load(struct percpu *cpu, void *const tops[BOOT_STACKS]);

/* Found by the GDT register, which survives a guest: an exit reloads it, GS it does not. */
struct percpu *percpu_this(void);

#endif

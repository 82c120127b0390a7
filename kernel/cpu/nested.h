/* SPDX-License-Identifier: MIT */
/* The second-stage table of a guest: GPA to HPA, in EPT or NPT format. */
#ifndef KERNEL_CPU_NESTED_H
#define KERNEL_CPU_NESTED_H

#include <stdint.h>
#include "kernel/addr.h"
#include "kernel/cpu/cpu.h"

enum nested_rights { NESTED_READ = 1, NESTED_WRITE = 2, NESTED_EXEC = 4 };

/* -ENOMEM. */
int nested_create(struct nested_format format, struct nested_table **table);
void nested_destroy(struct nested_table *table);

/*
 * Maps [guest, guest + bytes) to frames from host on; all page-aligned. largest: PAGE_SIZE, PAGE_2M
 * or PAGE_1G, the biggest leaf allowed (registers: PAGE_SIZE, so that a neighbour page is never
 * included). device: uncacheable. -ENOMEM, -EEXIST when part is mapped.
 */
int nested_map(struct nested_table *table, gpa_t guest, hpa_t host, uint64_t bytes, unsigned rights,
               uint64_t largest, bool device);
/* Whole leaves only: the ranges that were mapped. What is not mapped is passed over. Complete when
 * it returns: no CPU uses the old translations any more. */
void nested_unmap(struct nested_table *table, gpa_t guest, uint64_t bytes);

/* The frame behind guest and the rights there; -EFAULT when not mapped. */
int nested_lookup(const struct nested_table *table, gpa_t guest, hpa_t *host, unsigned *rights);

hpa_t nested_root(const struct nested_table *table);
uint32_t nested_table_pages(const struct nested_table *table);
/* Grows with every change that leaves stale what a CPU has cached; an entry that was not present is
 * cached nowhere. No two tables have ever had the same one, also not those that are gone. */
uint64_t nested_generation(const struct nested_table *table);

/*
 * What CPUs keep of a table (nested_cpus.c). A backend's run tells it, on its CPU and with
 * interrupts off: nested_enter; where the backend's own books ask for a flush, the flush with
 * nested_flushed right beside it; nested_assert_fresh; the world switch; nested_leave.
 */

/* cpu, the calling one, is about to run v: from here on nested_unmap waits for it. Returns the
 * generation of v's table: all that this CPU holds of another one must be flushed. */
uint64_t nested_enter(const struct vcpu *v, uint32_t cpu);
void nested_leave(uint32_t cpu);

/* At this entry nothing stays on cpu of what it has cached for any guest before. */
void nested_flushed(struct vcpu *v, uint32_t cpu);

/* Panics in words when cpu may still hold what it has cached of an older generation, for another
 * vCPU, or before v ran on another CPU. */
void nested_check_fresh(const struct vcpu *v, uint32_t cpu);
/* The same, in debug builds alone. */
static inline void nested_assert_fresh(const struct vcpu *v, uint32_t cpu)
{
#ifdef DEBUG
    nested_check_fresh(v, cpu);
#else
    (void)v;
    (void)cpu;
#endif
}

/* For nested.c: returns once no CPU is inside the table's guest that entered under an older
 * generation than now. The calling CPU is in no guest. A CPU that does not leave within its
 * deadline ends in a panic. */
void nested_shoot(const struct nested_table *table);

#endif

/* SPDX-License-Identifier: MIT */
/* Local APICs, bringing up the other CPUs, and the timer tick that ends a guest's spin. */
#ifndef KERNEL_SMP_H
#define KERNEL_SMP_H

#include <stdint.h>
#include "kernel/acpi.h"

#define SMP_MAX_CPUS 64

/* The boot CPU's local APIC on (x2APIC where the firmware left it on), PICs masked. */
int apic_init(void);
/* Starts every enabled CPU of the MADT; each says so or is reported missing after its deadline.
 * Returns CPUs online. */
uint32_t smp_start(const struct acpi_madt *madt);
uint32_t smp_cpu(void); /* index of the calling CPU, 0 = boot CPU */
/* Runs fn(arg) on cpu, with interrupts off unless it is the caller's own, and waits for it.
 * -ENODEV: not there, or the boot CPU, which waits for no calls. -ETIMEDOUT after a second: the CPU
 * counts as lost, and what arg points to as its own. */
int smp_call(uint32_t cpu, void (*fn)(void *), void *arg);

/* The two halves of smp_call to another CPU, with its errors: whoever has posted waits, at most us,
 * before anything else is posted there. */
int smp_post(uint32_t cpu, void (*fn)(void *), void *arg);
int smp_wait(uint32_t cpu, uint64_t us);

/* A guest that runs on cpu exits with CPU_EXIT_HOST_INTERRUPT; elsewhere the interrupt waits until
 * cpu takes one. -ETIMEDOUT when the local APIC does not send it. */
int smp_kick(uint32_t cpu);

/* Periodic interrupts on this CPU, hz a second; 0 stops them. A running guest exits with
 * CPU_EXIT_HOST_INTERRUPT. */
void apic_timer(uint32_t hz);
/* One interrupt on this CPU in us microseconds, or before when the timer cannot count so far; none
 * of the periodic ones any more. */
void apic_timer_once(uint64_t us);

#endif

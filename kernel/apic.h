/* SPDX-License-Identifier: MIT */
/* The local APIC, seen from the hypervisor's own parts; the rest uses kernel/smp.h. */
#ifndef KERNEL_APIC_H
#define KERNEL_APIC_H

#include <stdbool.h>
#include <stdint.h>

/* This CPU's, as apic_init did for the boot CPU's. -ENODEV when it cannot be turned on. */
int apic_init_cpu(void);
uint32_t apic_id(void);
/* Whether this CPU is in x2APIC mode; also before apic_init. */
bool apic_is_x2apic(void);
/* Whether an interrupt can be sent to this id: without x2APIC ids end at 254. */
bool apic_can_reach(uint32_t id);
/* Ends the interrupt in service. Does nothing before apic_init. */
void apic_eoi(void);

/* -ETIMEDOUT when the local APIC does not take the order. */
int apic_send_init(uint32_t id);
int apic_send_startup(uint32_t id, uint8_t page); /* starts at page << 12 */
int apic_send_vector(uint32_t id, uint8_t vector);
int apic_send_nmi(uint32_t id);
/* An NMI to all CPUs but this one. Nothing before apic_init. */
void apic_stop_others(void);

#endif

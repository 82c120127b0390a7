/* SPDX-License-Identifier: MIT */
/*
 * The device's interrupt, with irq=msi: it ends a sleep, and is counted. The work is the polling
 * loop's. Without a vector from the hypervisor nothing here does anything, and an exception is the
 * hypervisor's to report; with one the guest has to report its own.
 */
#ifndef GUEST_INTERRUPT_H
#define GUEST_INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

/* Interrupts are on from here on. */
void interrupt_start(void);
bool interrupt_is_on(void);
/* Taken so far. */
uint64_t interrupt_count(void);
/* Sleeps until the next one or the host's next tick; not at all when count has moved on. */
void interrupt_hlt(uint64_t count);

#endif

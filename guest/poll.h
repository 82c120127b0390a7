/* SPDX-License-Identifier: MIT */
/* The one loop of the guest: heartbeat, device, network stack, timers. */
#ifndef GUEST_POLL_H
#define GUEST_POLL_H

#include <stdbool.h>
#include <stdint.h>

/* The network stack's timers, when there is a stack: at each turn, true when something was due; and
 * the TSC value at which the next one is. */
extern bool (*poll_timers)(void);
extern uint64_t (*poll_next_timer)(void);

/* Polls until done(context); with irq=msi sleeps while there is nothing to do, at most 100 ms, so
 * that done may also wait for the clock. Ends the guest, naming what it waited for, when no frame
 * has come for 20 s or after timeout= (300) s in all. */
void poll_until(bool (*done)(void *context), void *context, const char *what);

/* Ticks of the turns that found something to do. Asked within a turn, it counts that one so far:
 * whoever asks there has something to do. */
uint64_t poll_busy_tsc(void);

#endif

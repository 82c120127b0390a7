/* SPDX-License-Identifier: MIT */
/*
 * A native guest that hangs with interrupts off lets no tick of the watch in. A second CPU, where
 * there is one, looks at its heartbeat as well, and ends such a run by an NMI.
 */
#include <stdatomic.h>
#include <stddef.h>
#include "kernel/apic.h"
#include "kernel/panic.h"
#include "kernel/smp.h"
#include "kernel/time.h"
#include "kernel/trap.h"
#include "kernel/vm_parts.h"
#include "kernel/wait.h"

#define WATCHER 1u
#define LATE_US 500000 /* after the deadline: the watch of the guest's own CPU goes first */
#define STOP_US 1000000

static const struct vm *watched;
static uint32_t guest_apic_id;
static _Atomic bool is_over;
static _Atomic uint32_t sent; /* NMIs, and not yet taken */

/* On the guest's CPU. Any other NMI is what it would be without a guest. */
static void serve_nmi(struct trap_frame *frame)
{
    if (atomic_exchange(&sent, 0) == 0)
        panic_trap(frame);
}

/* On the second CPU, from the guest's begin to its end. */
static void look(void *unused)
{
    uint64_t limit = us_to_tsc(watched->params->deadline_ms * 1000ull + LATE_US);
    struct vm_watch w = {.beat = vm_heartbeat(watched), .since = tsc_read()};

    (void)unused;
    apic_timer(WATCH_HZ);
    while (!is_over) {
        wait_for_interrupt();
        if (w.beat != vm_heartbeat(watched))
            w = (struct vm_watch){.beat = vm_heartbeat(watched), .since = tsc_read()};
        if (tsc_read() - w.since < limit)
            continue;
        w.since = tsc_read();
        sent = 1;
        apic_send_nmi(guest_apic_id);
    }
    apic_timer(0);
}

bool vm_rescue_begin(const struct vm *vm)
{
    watched = vm;
    guest_apic_id = apic_id();
    is_over = false;
    sent = 0;
    trap_set_handler(TRAP_NMI, serve_nmi);
    return smp_post(WATCHER, look, NULL) == 0;
}

void vm_rescue_end(void)
{
    is_over = true;
    if (smp_kick(WATCHER) != 0 || smp_wait(WATCHER, STOP_US) != 0)
        panic("CPU %u does not stop watching over a guest that has ended", WATCHER);
}

/* SPDX-License-Identifier: MIT */
/* Nobody sleeps whose interrupt has come: not by HLT, before which it is pending, and not by
 * WAIT_UNTIL, before which it was taken. Without one both do sleep. */
#include <stddef.h>
#include "guest/clock.h"
#include "guest/console.h"
#include "guest/hyper.h"
#include "guest/interrupt.h"
#include "guest/work/probe.h"
#include "guest/workload.h"

#define TIMES  10u
#define NAP_MS 100u /* by WAIT_UNTIL; HLT lasts until the host's next tick, 100 ms apart */

static void interrupts_off(void)
{
    __asm__ volatile("cli" ::: "memory");
}

static void hlt(void)
{
    __asm__ volatile("sti; hlt" ::: "memory");
}

static void wait_until(void)
{
    __asm__ volatile("sti" ::: "memory");
    hyper_call(ABI_WAIT_UNTIL, clock_tsc() + clock_ms_to_tsc(NAP_MS), 0);
}

/* Milliseconds asleep in all. */
static uint64_t sleep_by(void (*how)(void), bool with_interrupt)
{
    uint64_t asleep = 0;

    for (unsigned i = 0; i < TIMES; i++) {
        interrupts_off();
        if (with_interrupt)
            probe_interrupt_pending();
        uint64_t begin = clock_tsc();
        how();
        asleep += clock_tsc() - begin;
        probe_interrupt_off();
        hyper_heartbeat();
    }
    return asleep / clock_ms_to_tsc(1);
}

static void check(const char *name, void (*how)(void))
{
    uint64_t woken = sleep_by(how, true), undisturbed = sleep_by(how, false);

    /* On a machine with other work each takes longer, but one of them by naps alone. */
    if (undisturbed < TIMES * NAP_MS / 2)
        fail("probe_wake: %s slept %zu ms only, and no interrupt had come", name,
             (size_t)undisturbed);
    if (woken > undisturbed / 2)
        fail("probe_wake: %s slept %zu ms of %zu, and its interrupts had come", name, (size_t)woken,
             (size_t)undisturbed);
    say("probe_wake: %s sleeps when it should, and only then: %zu ms, not %zu", name,
        (size_t)undisturbed, (size_t)woken);
}

static int run(void)
{
    probe_start();
    if (!interrupt_is_on())
        fail("probe_wake: needs irq=msi");
    check("HLT", hlt);
    check("WAIT_UNTIL", wait_until);
    return 0;
}

const struct workload probe_wake = {"probe_wake", run};

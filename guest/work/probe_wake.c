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

#define TIMES   10u
#define NAP_MS  50u  /* by WAIT_UNTIL; HLT lasts until the host's next tick, 100 ms apart */
#define MOST_MS 250u /* in all, without a nap */

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
        hyper_heartbeat();
    }
    return asleep / clock_ms_to_tsc(1);
}

static void check(const char *name, void (*how)(void))
{
    uint64_t woken = sleep_by(how, true), undisturbed = sleep_by(how, false);

    if (woken >= MOST_MS)
        fail("probe_wake: %s slept %zu ms, and its interrupts had come", name, (size_t)woken);
    if (undisturbed < MOST_MS)
        fail("probe_wake: %s slept %zu ms only, and no interrupt had come", name,
             (size_t)undisturbed);
    say("probe_wake: %s sleeps when it should, and only then", name);
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

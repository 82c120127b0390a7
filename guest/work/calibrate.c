/* SPDX-License-Identifier: MIT */
/*
 * Prices on this machine, in ticks of its clock: what a hypercall, a fault in the nested table, an
 * interrupt and a miss cost as the guest sees them. The hypervisor adds those of the invalidation
 * queue. docs/costs.md says what each figure holds.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include "drivers/e1000.h"
#include "drivers/env.h"
#include "guest/args.h"
#include "guest/clock.h"
#include "guest/console.h"
#include "guest/far.h"
#include "guest/hyper.h"
#include "guest/interrupt.h"
#include "guest/work/calibrate.h"
#include "guest/workload.h"

#define WARM_UP  16u /* the first ones find cold caches, and tables that are still to be made */
#define APART_MS 1u  /* QEMU's controller keeps interrupts 128 us apart, whatever ITR says */
#define LOST_US  1000000u /* an interrupt that takes longer never comes */

static struct e1000 nic;
static volatile uint64_t *page; /* the hypervisor's, to fault on */

static uint64_t look_at_the_clock(void)
{
    return 0;
}

static uint64_t null_hypercall(void)
{
    return (uint64_t)hyper_call(ABI_NULL, 0, 0);
}

static uint64_t access_page(void)
{
    return *page;
}

static uint64_t write_register(void)
{
    e1000_raise_nothing(&nic);
    return 0;
}

static void take_page_away(void)
{
    int64_t error = hyper_call(ABI_CALIBRATE_PAGE, 0, 0);

    if (error < 0)
        fail("calibrate: the hypervisor takes its page away once only: error %d", (int)-error);
}

static void nothing(void)
{
}

/* before() is not measured. */
static struct abi_spread times_of(void (*before)(void), uint64_t (*what)(void))
{
    static uint64_t sample[ABI_CALIBRATE_TIMES];

    for (uint32_t i = 0; i < WARM_UP + ABI_CALIBRATE_TIMES; i++) {
        uint64_t begin;

        before();
        begin = calibrate_clock();
        what();
        sample[i % ABI_CALIBRATE_TIMES] = calibrate_clock() - begin;
        hyper_heartbeat();
    }
    return spread_of(sample, ABI_CALIBRATE_TIMES);
}

static struct abi_spread nested_faults(void)
{
    struct abi_spread none = {0};
    int64_t at = hyper_call(ABI_CALIBRATE_PAGE, 0, 0);

    if (at == -ENODEV)
        return none; /* no nested table */
    if (at < 0)
        fail("calibrate: the hypervisor gives no page to fault on: error %d", (int)-at);
    page = far_at(args_number("address", (uint64_t)at));
    return times_of(take_page_away, access_page);
}

/* The controller, and an emulator's other threads, have their peace. One that comes meanwhile ends
 * a sleep early. */
static void keep_apart(void)
{
    uint64_t end = calibrate_clock() + clock_ms_to_tsc(APART_MS);

    while (calibrate_clock() < end)
        hyper_call(ABI_WAIT_UNTIL, end, 0);
}

struct interrupted {
    uint64_t in_all, longest; /* from raising it on; and of that between two looks at the clock */
};

/* The processor is awake and looks all the time: where it sees a gap it did not run. */
static struct interrupted one_interrupt(void)
{
    uint64_t before, begin, last, end;
    struct interrupted t = {0};
    bool came;

    e1000_interrupt_on(&nic);
    keep_apart();
    before = interrupt_count();
    end = env_deadline_us(LOST_US);
    begin = last = calibrate_clock();
    e1000_interrupt_raise(&nic);
    do {
        uint64_t now;

        came = interrupt_count() != before;
        now = calibrate_clock();
        if (now - last > t.longest)
            t.longest = now - last;
        last = now;
    } while (!came && !env_deadline_passed(end));
    e1000_interrupt_off(&nic);
    if (!came)
        fail("calibrate: the NIC raised an interrupt, and none came within a second");
    t.in_all = last - begin;
    return t;
}

static void measure_interrupts(struct abi_calibration *c)
{
    static uint64_t in_all[ABI_CALIBRATE_TIMES], longest[ABI_CALIBRATE_TIMES];

    for (uint32_t i = 0; i < ABI_CALIBRATE_TIMES; i++) {
        struct interrupted t = one_interrupt();

        in_all[i] = t.in_all;
        longest[i] = t.longest;
        hyper_heartbeat();
    }
    c->interrupt = spread_of(in_all, ABI_CALIBRATE_TIMES);
    c->interrupt_exit = spread_of(longest, ABI_CALIBRATE_TIMES);
}

static int run(void)
{
    struct abi_calibration c = {0};
    int64_t error;

    nic = (struct e1000){.regs = (volatile void *)boot->bar_base};
    c.clock = times_of(nothing, look_at_the_clock);
    c.hypercall = times_of(nothing, null_hypercall);
    c.nested_fault = nested_faults();
    calibrate_misses(&c);
    c.register_write = times_of(nothing, write_register);
    if (interrupt_is_on())
        measure_interrupts(&c);
    error = hyper_call(ABI_CALIBRATE_END, (uintptr_t)&c, 0);
    if (error)
        fail("calibrate: the hypervisor does not take the figures: error %d", (int)-error);
    if (page && args_number("again", 0))
        access_page(); /* it is gone for good: this must end the guest */
    return 0;
}

const struct workload calibrate = {"calibrate", run};

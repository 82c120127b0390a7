/* SPDX-License-Identifier: MIT */
#include "drivers/env.h"
#include "kernel/log.h"
#include "kernel/time.h"
#include "kernel/x86.h"

/* 8254 channel 2 and its gate and output in port 0x61 (Intel 8254 data sheet). */
#define PIT_HZ       1193182u
#define PIT_DATA2    0x42
#define PIT_COMMAND  0x43
#define PIT_ONESHOT  0xb0 /* channel 2, low then high byte, mode 0: output rises at the end */
#define GATE_PORT    0x61
#define GATE_ON      0x01
#define GATE_SPEAKER 0x02
#define GATE_OUTPUT  0x20

#define CALIBRATE_COUNT     11932u /* of the PIT: 10 ms */
#define CALIBRATE_RUNS      50     /* at most, on a machine that is hardly ever left alone */
#define CALIBRATE_PRECISION 2000
#define PIT_DEAD_TICKS      2000000000ull /* of the TSC: a quarter of a second at least */

#define HZ_ASSUMED 4000000000ull

/* Until calibrated as if the machine were fast: deadlines come later than said, not sooner. */
static uint64_t rate = HZ_ASSUMED;
static uint64_t start;

/* What the TSC counts in CALIBRATE_COUNT of the PIT, for certain: between least and most. */
struct bounds {
    uint64_t least, most;
};

/* Narrows the bounds by one run. However long an SMI or a host's scheduler holds this CPU, what the
 * run says is true, only wide. */
static bool calibrate_once(struct bounds *b)
{
    uint8_t gate = port_in8(GATE_PORT);
    uint64_t begun, armed, unfinished = 0, before, after;
    bool over = false;

    port_out8(GATE_PORT, (uint8_t)((gate & ~GATE_SPEAKER) | GATE_ON));
    port_out8(PIT_COMMAND, PIT_ONESHOT);
    port_out8(PIT_DATA2, CALIBRATE_COUNT & 0xff);
    begun = tsc_read();
    port_out8(PIT_DATA2, CALIBRATE_COUNT >> 8);
    before = armed = after = tsc_read();
    while (!over) {
        if (after - armed > PIT_DEAD_TICKS)
            return false;
        unfinished = before; /* the last time surely before a port read that said so */
        before = after;
        over = (port_in8(GATE_PORT) & GATE_OUTPUT) != 0;
        after = tsc_read();
    }
    port_out8(GATE_PORT, gate);
    if (unfinished - armed > b->least)
        b->least = unfinished - armed;
    if (after - begun < b->most)
        b->most = after - begun;
    return true;
}

/* Some machines gate the 8254 off. CPUID 15h and 16h (SDM volume 2, CPUID) then have to do. */
static uint64_t rate_from_cpuid(void)
{
    uint32_t leaves = cpuid(0, 0).eax;
    struct cpuid r;

    if (leaves >= 0x15) {
        r = cpuid(0x15, 0);
        if (r.eax != 0 && r.ebx != 0 && r.ecx != 0)
            return (uint64_t)r.ecx * r.ebx / r.eax;
    }
    if (leaves >= 0x16)
        return (cpuid(0x16, 0).eax & 0xffff) * 1000000ull;
    return 0;
}

void time_init(void)
{
    struct bounds b = {0, UINT64_MAX};

    start = tsc_read();
    for (int i = 0; i < CALIBRATE_RUNS && calibrate_once(&b); i++)
        if (b.most - b.least < b.most / CALIBRATE_PRECISION)
            break;
    if (b.least != 0) {
        rate = (b.least + (b.most - b.least) / 2) * PIT_HZ / CALIBRATE_COUNT;
        log_debug("time", "TSC at %lu kHz by the PIT", rate / 1000);
        return;
    }
    rate = rate_from_cpuid();
    if (rate == 0)
        rate = HZ_ASSUMED;
    log_warn("time",
             "the PIT does not count, so the TSC's rate is taken as %lu kHz: times may be "
             "off; enable the 8254 in the firmware",
             rate / 1000);
}

uint64_t tsc_hz(void)
{
    return rate;
}

/* Whole seconds apart, so that no product overflows. */
uint64_t us_to_tsc(uint64_t us)
{
    return us / 1000000 * rate + us % 1000000 * rate / 1000000;
}

uint64_t tsc_to_us(uint64_t ticks)
{
    return ticks / rate * 1000000 + ticks % rate * 1000000 / rate;
}

uint64_t time_us(void)
{
    return start == 0 ? 0 : tsc_to_us(tsc_read() - start);
}

uint64_t deadline_us(uint64_t us)
{
    return tsc_read() + us_to_tsc(us);
}

bool deadline_passed(uint64_t end)
{
    return (int64_t)(tsc_read() - end) >= 0;
}

void delay_us(uint64_t us)
{
    uint64_t end = deadline_us(us);

    while (!deadline_passed(end))
        cpu_pause();
}

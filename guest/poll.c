/* SPDX-License-Identifier: MIT */
#include "guest/poll.h"

#include "drivers/env.h"
#include "guest/args.h"
#include "guest/clock.h"
#include "guest/console.h"
#include "guest/hyper.h"
#include "guest/interrupt.h"
#include "guest/nic.h"

#define SILENCE_MS 20000u
#define SLEEP_MS   100u

bool (*poll_timers)(void);
uint64_t (*poll_next_timer)(void);

static uint64_t busy_tsc;
static uint64_t turn_begin; /* TSC; 0 outside of a turn */
static uint64_t end_of_all; /* TSC; 0: not set yet */

/* True when there was anything to do. */
static bool turn(void)
{
    bool busy;

    turn_begin = clock_tsc();
    hyper_heartbeat();
    busy = nic_poll();
    if (poll_timers)
        busy |= poll_timers();
    busy |= nic_flush();
    if (busy)
        busy_tsc += clock_tsc() - turn_begin;
    turn_begin = 0;
    return busy;
}

static void rest(void)
{
    uint64_t wake = clock_tsc() + clock_ms_to_tsc(SLEEP_MS);

    if (!interrupt_is_on() || nic_is_waiting()) {
        env_pause();
        return;
    }
    if (poll_next_timer && poll_next_timer() < wake)
        wake = poll_next_timer();
    nic_sleep(wake, turn);
}

void poll_until(bool (*done)(void *context), void *context, const char *what)
{
    uint64_t silence = clock_ms_to_tsc(SILENCE_MS), last_frame = clock_tsc();
    uint64_t frames = nic_counters.rx_packets;

    if (!end_of_all)
        end_of_all = last_frame + clock_ms_to_tsc(1000 * args_number("timeout", 300));
    while (!done(context)) {
        if (!turn())
            rest();
        uint64_t now = clock_tsc();
        if (frames != nic_counters.rx_packets) {
            frames = nic_counters.rx_packets;
            last_frame = now;
        }
        if (now - last_frame > silence)
            fail("gave up waiting for %s: no frame came for %u s", what, SILENCE_MS / 1000);
        if (now > end_of_all)
            fail("gave up waiting for %s: timeout= is over", what);
    }
}

uint64_t poll_busy_tsc(void)
{
    return busy_tsc + (turn_begin ? clock_tsc() - turn_begin : 0);
}

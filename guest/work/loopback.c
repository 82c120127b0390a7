/* SPDX-License-Identifier: MIT */
/*
 * The NIC's own loopback: nothing outside answers, so that equal settings give equal runs. Frames
 * lie two a page in 4 MiB of payload and go out in order, lap after lap; each comes back into the
 * receive pool, and every byte is compared with what was sent.
 */
#include <stdint.h>
#include <string.h>
#include "drivers/e1000.h"
#include "guest/args.h"
#include "guest/clock.h"
#include "guest/console.h"
#include "guest/heap.h"
#include "guest/nic.h"
#include "guest/pattern.h"
#include "guest/poll.h"
#include "guest/window.h"
#include "guest/workload.h"

#define SLOT_BYTES   2048u
#define SLOTS        (PATTERN_BYTES / SLOT_BYTES)
#define IN_FLIGHT    32u
#define HEADER_BYTES 14u
#define FIRST_MS     100u

static uint8_t *payload;
static uint64_t frames_sent, frames_back, goal;

static uint8_t *slot(uint64_t frame)
{
    return payload + frame % SLOTS * SLOT_BYTES;
}

/* Sent again because it was late, and now there once more: before any other. */
static bool is_the_first(const uint8_t *data, uint16_t bytes)
{
    return frames_back == 1 && bytes == E1000_MAX_FRAME &&
           equal_bytes(slot(0), data, E1000_MAX_FRAME) == E1000_MAX_FRAME;
}

/* A network that is there may bring frames for an earlier guest's connections. Ours are neither
 * IPv4 nor ARP, also when the card could not read them and sent zeros. */
static bool is_foreign(const uint8_t *data)
{
    return data[12] == 0x08 && (data[13] == 0x00 || data[13] == 0x06);
}

static void received(uint16_t buffer, uint8_t *data, uint16_t bytes)
{
    if (is_foreign(data) || is_the_first(data, bytes)) {
        nic_rx_release(buffer);
        return;
    }

    size_t same = equal_bytes(slot(frames_back), data, E1000_MAX_FRAME);

    if (bytes != E1000_MAX_FRAME || same != E1000_MAX_FRAME)
        fail("loopback: frame %zu came back with %u bytes, the first %zu of them right",
             (size_t)frames_back, bytes, same);
    frames_back++;
    nic_rx_release(buffer);
}

static void sent(void *cookie)
{
    (void)cookie;
}

static void send_one(void)
{
    struct nic_part part = {slot(frames_sent), E1000_MAX_FRAME};

    if (nic_send(&part, 1, NULL) == 0)
        frames_sent++;
}

static bool all_back(void *unused)
{
    (void)unused;
    while (frames_sent < goal && frames_sent - frames_back < IN_FLIGHT) {
        uint64_t before = frames_sent;
        send_one();
        if (frames_sent == before)
            break;
    }
    return frames_back == goal;
}

/* To ourselves, of a type for experiments (IEEE 802, local experimental EtherType 1). */
static void fill_slots(void)
{
    payload = heap_pages(PATTERN_BYTES / PAGE_BYTES);
    memcpy(payload, pattern(), PATTERN_BYTES);
    for (uint64_t i = 0; i < SLOTS; i++) {
        memcpy(slot(i), nic_mac(), 6);
        memcpy(slot(i) + 6, nic_mac(), 6);
        slot(i)[12] = 0x88;
        slot(i)[13] = 0xb5;
    }
}

/* A receiver that has just been started may still drop frames (an emulated 82540EM does, for a
 * second): the first one is sent again until it comes back. */
static bool first_back(void *unused)
{
    static uint64_t again_at;

    (void)unused;
    if (frames_back)
        return true;
    if (clock_tsc() >= again_at) {
        again_at = clock_tsc() + clock_ms_to_tsc(FIRST_MS);
        frames_sent = 0;
        send_one();
    }
    return false;
}

static int run(void)
{
    static const struct nic_user user = {received, sent};
    uint64_t frames = args_number("frames", 20000);

    nic_start(&user, true);
    fill_slots();
    poll_until(first_back, NULL, "the first frame of the loopback");
    goal = frames_back + (SLOTS > NIC_RX_BUFFERS ? SLOTS : NIC_RX_BUFFERS) + NIC_RX_POSTED;
    poll_until(all_back, NULL, "the warm-up lap");
    goal += frames;
    window_begin();
    poll_until(all_back, NULL, "the frames of the loopback");
    window_end("loopback", 2 * frames * (E1000_MAX_FRAME - HEADER_BYTES));
    return 0;
}

const struct workload loopback = {"loopback", run};

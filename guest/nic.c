/* SPDX-License-Identifier: MIT */
#include "guest/nic.h"

#include <errno.h>
#include <string.h>
#include "drivers/env.h"
#include "guest/args.h"
#include "guest/clock.h"
#include "guest/console.h"
#include "guest/heap.h"
#include "guest/interrupt.h"
#include "guest/nic_parts.h"

#define LINK_US    10000000u
#define REFUSED_MS 1u
#define LATE_MS    10u

struct nic_counters nic_counters;
struct e1000 nic_device;
const struct nic_user *nic_user;

bool nic_is_refused(const struct nic_refusal *r)
{
    return r->refused && r->unmaps == dma_counters.unmaps && clock_tsc() < r->until;
}

bool nic_commit(struct dma_burst *b, struct nic_refusal *r)
{
    int error = dma_burst_commit(b);

    if (error && error != -ENOSPC)
        fail("nic: the hypervisor refused %u descriptors: error %d", b->descs, -error);
    *r = (struct nic_refusal){.refused = error};
    if (error) {
        r->unmaps = dma_counters.unmaps;
        r->until = clock_tsc() + clock_ms_to_tsc(REFUSED_MS);
    }
    return !error;
}

bool nic_poll(void)
{
    bool busy = nic_tx_take();

    busy |= nic_rx_take();
    busy |= nic_rx_refill(NIC_RX_BURST);
    return busy;
}

bool nic_is_waiting(void)
{
    return nic_rx_is_waiting() || nic_tx_is_waiting();
}

/* By WAIT_UNTIL, or with sleep=hlt as an operating system would: by HLT, which the host's next tick
 * ends, too. */
static void sleep(uint64_t wake, uint64_t interrupts)
{
    static char how[8];

    if (!how[0])
        args_text("sleep", "wait", how, sizeof(how));
    if (strcmp(how, "hlt") == 0)
        interrupt_hlt(interrupts);
    else if (strcmp(how, "wait") == 0)
        hyper_call(ABI_WAIT_UNTIL, wake, 0);
    else
        fail("sleep=%s: known: wait hlt", how);
}

/* The order is what keeps a frame from being overlooked: interrupts on, then the look, then sleep.
 * A frame is in memory a moment before its interrupt comes, so a short sleep is never late. */
void nic_sleep(uint64_t wake, bool (*look)(void))
{
    uint64_t interrupts = interrupt_count(), late = clock_tsc() + clock_ms_to_tsc(LATE_MS);

    e1000_interrupt_on(&nic_device);
    if (!look()) {
        sleep(wake, interrupts);
        nic_counters.rx_late += e1000_rx_is_ready(&nic_device) && interrupt_count() == interrupts &&
                                clock_tsc() >= late;
    }
    e1000_interrupt_off(&nic_device);
}

static struct e1000_ring new_ring(void)
{
    struct e1000_ring ring = {.at = heap_pages(1)};
    struct dma_burst b;

    dma_burst_begin(&b);
    ring.iova = dma_burst_map(&b, (uintptr_t)ring.at, ABI_DMA_READ | ABI_DMA_WRITE);
    int error = dma_burst_commit(&b);
    if (error)
        fail("nic: cannot map a descriptor ring: error %d", -error);
    return ring;
}

static void wait_for_link(void)
{
    uint64_t end = env_deadline_us(LINK_US);

    while (!e1000_link_is_up(&nic_device)) {
        hyper_heartbeat();
        env_pause();
        if (env_deadline_passed(end))
            fail("nic: no link after 10 s; is the cable (or the emulator's -netdev) there?");
    }
}

void nic_start(const struct nic_user *frames_to, bool loopback)
{
    struct e1000_ring tx, rx;
    int error;

    if (!e1000_is_supported(boot->device_vendor, boot->device_id))
        fail("nic: no driver for device %04x:%04x; 8086:100e and 8086:10d3 have one",
             boot->device_vendor, boot->device_id);
    nic_user = frames_to;
    dma_start(NIC_FLOOR_PAGES);
    tx = new_ring();
    rx = new_ring();
    error = e1000_start(&nic_device, (volatile void *)boot->bar_base, boot->device_id, tx, rx);
    if (!error && loopback)
        error = e1000_loopback(&nic_device);
    if (error)
        fail("nic: device %04x:%04x does not %s: error %d", boot->device_vendor, boot->device_id,
             error == -ENODEV ? "answer" : "come out of its reset", -error);
    wait_for_link();
    nic_rx_start();
}

const uint8_t *nic_mac(void)
{
    return nic_device.mac;
}

void nic_report(void)
{
    if (nic_counters.rx_damaged)
        say("nic: %zu frames arrived damaged and were dropped", (size_t)nic_counters.rx_damaged);
    if (nic_counters.rx_late)
        say("nic: %zu sleeps ended late: a frame was there, and no interrupt had come",
            (size_t)nic_counters.rx_late);
}

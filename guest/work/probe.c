/* SPDX-License-Identifier: MIT */
#include "guest/work/probe.h"

#include <string.h>
#include "drivers/e1000.h"
#include "drivers/env.h"
#include "guest/args.h"
#include "guest/clock.h"
#include "guest/console.h"
#include "guest/dma.h"
#include "guest/heap.h"
#include "guest/hyper.h"
#include "guest/interrupt.h"

#define FLOOR_PAGES 4u
#define SECONDS_5   5000000u
#define AGAIN_US    100000u
#define PAUSE_MS    600u
#define PENDING_US  2000u /* QEMU's controller keeps interrupts 128 us apart, whatever ITR says */

static struct e1000 device;
static uint64_t good_frame; /* mapped for reading */

uint64_t probe_map(const void *page, uint32_t rights)
{
    struct dma_burst b;

    dma_burst_begin(&b);
    uint64_t at = dma_burst_map(&b, (uintptr_t)page, rights);
    int error = dma_burst_commit(&b);
    if (error)
        fail("probe: cannot map a page: error %d", -error);
    return at;
}

uint8_t *probe_page(uint32_t rights)
{
    uint8_t *page = heap_pages(1);

    probe_map(page, rights);
    return page;
}

uint8_t *probe_frame(void)
{
    uint8_t *frame = heap_pages(1);

    memset(frame, 0xa5, PROBE_FRAME);
    memcpy(frame, device.mac, 6);
    memcpy(frame + 6, device.mac, 6);
    frame[12] = 0x88;
    frame[13] = 0xb5;
    return frame;
}

uint32_t probe_rights(uint64_t address)
{
    const volatile uint32_t *table = (const volatile uint32_t *)boot->dma_table;

    return table[(address - boot->ram_base) / PAGE_BYTES] & ABI_DMA_RIGHTS;
}

uint64_t probe_foreign_address(uint64_t otherwise)
{
    uint64_t address = args_number("address", otherwise);

    if (address - boot->ram_base < boot->ram_bytes)
        fail("probe: 0x%zx is RAM of this guest; give another address=", (size_t)address);
    return address;
}

void probe_read(uint64_t address)
{
    uint64_t end = env_deadline_us(SECONDS_5);

    e1000_tx_put(&device, address, PROBE_FRAME, true, true);
    e1000_tx_doorbell(&device);
    while (e1000_tx_take(&device) < 0) {
        hyper_heartbeat();
        env_pause();
        /* Real controllers may stop at a blocked request; that is an answer too. */
        if (env_deadline_passed(end))
            return;
    }
}

/* A receiver just started may drop frames for a second, and a blocked write may leave no sign: send
 * until the slot is done or the time is over. */
void probe_write(uint64_t address)
{
    uint64_t end = env_deadline_us(SECONDS_5);
    uint16_t bytes;

    e1000_rx_put(&device, address);
    e1000_rx_doorbell(&device);
    for (;;) {
        uint64_t again = env_deadline_us(AGAIN_US);

        probe_read(good_frame);
        while (!env_deadline_passed(again)) {
            hyper_heartbeat();
            env_pause();
            if (e1000_rx_take(&device, &bytes) >= 0)
                return;
        }
        if (env_deadline_passed(end))
            return;
    }
}

bool probe_interrupt(uint32_t us)
{
    uint64_t end = env_deadline_us(us), before = interrupt_count();

    e1000_interrupt_on(&device);
    probe_read((uintptr_t)good_frame);
    while (interrupt_count() == before && !env_deadline_passed(end)) {
        hyper_heartbeat();
        interrupt_hlt(before);
    }
    e1000_interrupt_off(&device);
    return interrupt_count() != before;
}

void probe_interrupt_pending(void)
{
    e1000_interrupt_on(&device);
    probe_read((uintptr_t)good_frame);
    env_delay_us(PENDING_US);
}

void probe_interrupt_off(void)
{
    e1000_interrupt_off(&device);
}

void probe_pause(void)
{
    uint64_t end = clock_tsc() + clock_ms_to_tsc(PAUSE_MS);

    while (clock_tsc() < end) {
        hyper_heartbeat();
        hyper_call(ABI_WAIT_UNTIL, clock_tsc() + clock_ms_to_tsc(10), 0);
    }
}

static void wait_for_link(void)
{
    uint64_t end = env_deadline_us(SECONDS_5);

    while (!e1000_link_is_up(&device)) {
        hyper_heartbeat();
        env_pause();
        if (env_deadline_passed(end))
            fail("probe: no link in the loopback after 5 s");
    }
}

static struct e1000_ring new_ring(void)
{
    struct e1000_ring ring = {.at = heap_pages(1)};

    ring.iova = probe_map(ring.at, ABI_DMA_READ | ABI_DMA_WRITE);
    return ring;
}

void probe_start(void)
{
    struct e1000_ring tx, rx;
    int error;

    if (!e1000_is_supported(boot->device_vendor, boot->device_id))
        fail("probe: needs an e1000 or e1000e, not %04x:%04x", boot->device_vendor,
             boot->device_id);
    dma_start(FLOOR_PAGES);
    tx = new_ring();
    rx = new_ring();
    error = e1000_start(&device, (volatile void *)boot->bar_base, boot->device_id, tx, rx);
    if (!error)
        error = e1000_loopback(&device);
    if (error)
        fail("probe: the NIC does not start: error %d", -error);
    wait_for_link();
    good_frame = probe_map(probe_frame(), ABI_DMA_READ);
}

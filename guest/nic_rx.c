/* SPDX-License-Identifier: MIT */
/* The receive pool: posted, filled by the device, lent to the user, and back to the end of the
 * line. */
#include "guest/heap.h"
#include "guest/nic_parts.h"

#define RX_POOL_PAGES (NIC_RX_BUFFERS * E1000_RX_BUFFER / PAGE_BYTES)
#define RX_LINE       2048u /* places in the line of free buffers */
#define RX_BATCH      64u   /* frames taken in one poll: timers and transmission get their turn */

static uint8_t *pool;
static uint16_t free_buffers[RX_LINE]; /* first in, first out; running counts below */
static uint32_t free_head, free_tail;
static uint16_t buffer_of[E1000_RING];
static uint64_t iova_of[E1000_RING];
static uint32_t posted;
static struct nic_refusal refusal;

_Static_assert((RX_LINE & (RX_LINE - 1)) == 0, "running counts wrap");
_Static_assert(NIC_RX_BUFFERS <= RX_LINE, "each free buffer has its place");
_Static_assert(NIC_RX_POSTED < E1000_RING, "one slot stays empty");

static uint8_t *data_of(uint16_t buffer)
{
    return pool + (uint64_t)buffer * E1000_RX_BUFFER;
}

void nic_rx_release(uint16_t buffer)
{
    free_buffers[free_tail++ % RX_LINE] = buffer;
}

/* Posts n buffers with one burst: all or none, so that nothing is lost on a refusal. */
static bool post(uint32_t n)
{
    uint64_t at[NIC_RX_BURST];
    struct dma_burst b;

    dma_burst_begin(&b);
    for (uint32_t i = 0; i < n; i++) {
        uint16_t buffer = free_buffers[(free_head + i) % RX_LINE];
        at[i] = dma_burst_map(&b, (uintptr_t)data_of(buffer), ABI_DMA_WRITE);
    }
    if (!nic_commit(&b, &refusal))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        uint8_t slot = e1000_rx_put(&nic_device, at[i]);

        buffer_of[slot] = free_buffers[free_head++ % RX_LINE];
        iova_of[slot] = at[i];
    }
    posted += n;
    e1000_rx_doorbell(&nic_device);
    return true;
}

bool nic_rx_refill(uint32_t at_least)
{
    bool any = false;

    while (!nic_is_refused(&refusal)) {
        uint32_t n = NIC_RX_POSTED - posted;
        uint32_t have = free_tail - free_head;

        n = n < have ? n : have;
        n = n < NIC_RX_BURST ? n : NIC_RX_BURST;
        if (n == 0 || n < at_least || !post(n))
            break;
        any = true;
    }
    return any;
}

bool nic_rx_is_waiting(void)
{
    return refusal.refused;
}

void nic_rx_fill(void)
{
    nic_rx_refill(1);
}

void nic_rx_pretouch(uint32_t rights)
{
    dma_pretouch(pool, RX_POOL_PAGES, rights);
}

bool nic_rx_take(void)
{
    uint32_t n;

    for (n = 0; n < RX_BATCH; n++) {
        uint16_t bytes;
        int slot = e1000_rx_take(&nic_device, &bytes);

        if (slot < 0)
            break;
        uint16_t buffer = buffer_of[slot];
        posted--;
        dma_unmap(iova_of[slot]);
        if (bytes == 0) {
            nic_counters.rx_damaged++;
            nic_rx_release(buffer);
            continue;
        }
        nic_counters.rx_packets++;
        nic_counters.rx_bytes += bytes;
        nic_user->received(buffer, data_of(buffer), bytes);
    }
    return n > 0;
}

void nic_rx_start(void)
{
    pool = heap_pages(RX_POOL_PAGES);
    for (uint32_t i = 0; i < NIC_RX_BUFFERS; i++)
        nic_rx_release((uint16_t)i);
    nic_rx_fill();
}

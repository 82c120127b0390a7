/* SPDX-License-Identifier: MIT */
/* The transmit queue: frames wait here in pieces that lie inside one page each, until one burst
 * maps them and one doorbell sends them. */
#include <errno.h>
#include <stddef.h>
#include "guest/clock.h"
#include "guest/heap.h"
#include "guest/nic_parts.h"

#define DOORBELLS_PER_SECOND 40000u

struct piece {
    uint64_t address;
    uint64_t iova; /* while posted */
    void *cookie;  /* of the frame, in its last piece */
    uint16_t bytes;
    bool last;
};

/* Running counts, taken modulo the queue: sent <= posted <= queued. */
static struct piece queue[NIC_TX_QUEUE];
static uint32_t sent, posted, queued;
static struct nic_refusal refusal;
static uint64_t next_doorbell; /* TSC */

_Static_assert((NIC_TX_QUEUE & (NIC_TX_QUEUE - 1)) == 0, "running counts wrap");
_Static_assert(NIC_TX_FRAME <= DMA_BURST_PAGES, "a frame fits into a burst");

bool nic_tx_take(void)
{
    bool any = false;

    while (e1000_tx_take(&nic_device) >= 0) {
        const struct piece *piece = &queue[sent++ % NIC_TX_QUEUE];

        dma_unmap(piece->iova);
        if (piece->last)
            nic_user->sent(piece->cookie);
        any = true;
    }
    return any;
}

static uint32_t bytes_in_page(uint64_t address, uint32_t bytes)
{
    uint32_t room = PAGE_BYTES - (uint32_t)(address % PAGE_BYTES);

    return bytes < room ? bytes : room;
}

int nic_send(const struct nic_part *parts, unsigned n, void *cookie)
{
    uint32_t room = NIC_TX_QUEUE - (queued - sent), used = 0;
    struct piece *piece = NULL;

    if (room < NIC_TX_FRAME)
        return -EAGAIN;
    for (unsigned i = 0; i < n; i++) {
        uint64_t address = (uintptr_t)parts[i].data;
        uint32_t left = parts[i].bytes;

        while (left) {
            if (used == NIC_TX_FRAME)
                return -E2BIG; /* nothing of it is queued yet */
            uint32_t bytes = bytes_in_page(address, left);
            piece = &queue[(queued + used++) % NIC_TX_QUEUE];
            *piece = (struct piece){.address = address, .bytes = (uint16_t)bytes};
            address += bytes;
            left -= bytes;
        }
    }
    if (!piece)
        return -EINVAL;
    piece->last = true;
    piece->cookie = cookie;
    queued += used;
    return 0;
}

/* Pieces of whole frames at the queue's head that fit into the ring and into one burst. */
static uint32_t whole_frames(uint32_t limit)
{
    uint32_t whole = 0;

    for (uint32_t i = 0; i < queued - posted && i < limit; i++) {
        if (queue[(posted + i) % NIC_TX_QUEUE].last)
            whole = i + 1;
    }
    return whole;
}

static bool post(void)
{
    uint32_t room = e1000_tx_room(&nic_device);
    uint32_t n = whole_frames(room < DMA_BURST_PAGES ? room : DMA_BURST_PAGES);
    struct dma_burst b;

    if (n == 0)
        return false;
    dma_burst_begin(&b);
    for (uint32_t i = 0; i < n; i++) {
        struct piece *piece = &queue[(posted + i) % NIC_TX_QUEUE];

        piece->iova = dma_burst_map(&b, piece->address, ABI_DMA_READ);
    }
    if (!nic_commit(&b, &refusal))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        const struct piece *piece = &queue[posted++ % NIC_TX_QUEUE];

        e1000_tx_put(&nic_device, piece->iova, piece->bytes, piece->last, i == n - 1);
        nic_counters.tx_packets += piece->last;
        nic_counters.tx_bytes += piece->bytes;
    }
    e1000_tx_doorbell(&nic_device);
    return true;
}

/* A doorbell is the dearest thing a driver does. The first after a pause rings at once, so that an
 * answer is not late; under load they come a while apart, or when half a burst waits. */
static bool may_ring(void)
{
    return queued != posted &&
           (queued - posted >= DMA_BURST_PAGES / 2 || clock_tsc() >= next_doorbell);
}

bool nic_tx_is_waiting(void)
{
    return queued != posted;
}

bool nic_flush(void)
{
    bool any = false;

    if (!may_ring())
        return false;
    while (!nic_is_refused(&refusal) && post())
        any = true;
    if (any)
        next_doorbell = clock_tsc() + boot->tsc_hz / DOORBELLS_PER_SECOND;
    return any;
}

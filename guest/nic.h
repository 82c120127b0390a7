/* SPDX-License-Identifier: MIT */
/*
 * The NIC with its buffers: every address the device sees goes through guest/dma.h. Receive buffers
 * are recycled first in, first out, so that DMA walks the whole pool and not the same few pages.
 * Frames to send wait in a queue; nic_flush() maps and posts what there is with one burst.
 */
#ifndef GUEST_NIC_H
#define GUEST_NIC_H

#include <stdbool.h>
#include <stdint.h>

/* Of 2 KiB, two a page: 1,000 pages, which leaves room for the rest of what a receiver touches in
 * an IOTLB of 1,024 entries. */
#define NIC_RX_BUFFERS 2000u
#define NIC_RX_POSTED  192u
#define NIC_RX_BURST   32u  /* buffers posted at a time */
#define NIC_TX_QUEUE   512u /* fragments accepted and not yet sent */
#define NIC_TX_FRAME   32u  /* fragments of a frame at most, after the split at page borders */

/* Pages that can be in use at once: both rings, every posted buffer in a page of its own, one
 * transmit burst. */
#define NIC_FLOOR_PAGES (2u + NIC_RX_POSTED + 64u)

/* Part of a frame to send. */
struct nic_part {
    const void *data;
    uint16_t bytes;
};

struct nic_user {
    /* A frame came; the buffer is the user's until nic_rx_release(buffer). */
    void (*received)(uint16_t buffer, uint8_t *data, uint16_t bytes);
    /* The device is done with the frame of this cookie; its memory may change again. */
    void (*sent)(void *cookie);
};

struct nic_counters {
    uint64_t tx_packets, tx_bytes; /* counted when posted to the device */
    uint64_t rx_packets, rx_bytes;
    uint64_t rx_damaged; /* dropped */
    uint64_t rx_late;    /* sleeps that no interrupt ended, though a frame was there */
};

extern struct nic_counters nic_counters;

/* Starts the device, with its loopback or its link; declares the floor. Ends the guest when there
 * is none, or it does not work. */
void nic_start(const struct nic_user *user, bool loopback);
const uint8_t *nic_mac(void);
/* Says what went wrong on the way, if anything did. */
void nic_report(void);

/* Takes completions and received frames, refills. True when there was anything to do. */
bool nic_poll(void);

/* With irq=msi: sleeps until TSC wake, or until nic_poll() would find something; look() looks for
 * other work, and true from it means no sleep. */
void nic_sleep(uint64_t wake, bool (*look)(void));
/* Something has to be done within microseconds, without anything new from the device. */
bool nic_is_waiting(void);

/* -EAGAIN when the queue has no room: try again after nic_poll(). */
int nic_send(const struct nic_part *parts, unsigned n, void *cookie);
bool nic_flush(void);

void nic_rx_release(uint16_t buffer);
/* Posts as many buffers as NIC_RX_POSTED allows. */
void nic_rx_fill(void);
/* Has the whole pool mapped once for these rights. */
void nic_rx_pretouch(uint32_t rights);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Intel's gigabit controllers 82540EM (e1000) and 82574 (e1000e), by the "PCI/PCI-X Family of
 * Gigabit Ethernet Controllers Software Developer's Manual" (317453) and the "82574 GbE Controller
 * Family Datasheet" (317694). One queue each way, legacy descriptors, which both have. Polled; a
 * caller with nothing to do may have an interrupt, which the 82574 sends as a message (MSI).
 *
 * The driver moves addresses only: which buffer stands behind a slot is its caller's business.
 */
#ifndef DRIVERS_E1000_H
#define DRIVERS_E1000_H

#include <stdbool.h>
#include <stdint.h>

#define E1000_VENDOR  0x8086u
#define E1000_82540EM 0x100eu
#define E1000_82574L  0x10d3u

#define E1000_RING       256u  /* descriptors in a ring; one always stays empty */
#define E1000_RING_BYTES 4096u /* of a ring, page-aligned */
#define E1000_RX_BUFFER  2048u /* bytes of a receive buffer */
#define E1000_MIN_FRAME  60u   /* without the FCS; the controller pads shorter ones */
#define E1000_MAX_FRAME  1514u /* without the FCS */

struct e1000_ring {
    void *at;
    uint64_t iova;
};

struct e1000_tx_desc;
struct e1000_rx_desc;

struct e1000 {
    volatile void *regs;
    uint16_t device;
    uint8_t mac[6];
    volatile struct e1000_tx_desc *tx;
    volatile struct e1000_rx_desc *rx;
    uint8_t tx_oldest, tx_next; /* slots; equal: nothing is under way (uint8_t wraps as the ring) */
    uint8_t tx_done;            /* from tx_oldest up to here hardware is known to be done */
    bool tx_reports[E1000_RING];
    uint8_t rx_oldest, rx_next;
};

bool e1000_is_supported(uint16_t vendor, uint16_t device);

/* Stops the controller's DMA, masks its interrupts and resets it. -ETIMEDOUT, -ENODEV when its
 * registers read all ones. */
int e1000_reset(volatile void *bar0);

/*
 * Resets, reads the MAC address, starts transmitter and receiver on two zeroed rings. The receiver
 * has no buffers yet. -ENODEV, -ETIMEDOUT.
 */
int e1000_start(struct e1000 *n, volatile void *bar0, uint16_t device, struct e1000_ring tx,
                struct e1000_ring rx);
/* An interrupt for whatever the two take functions would find next. What came before that is found
 * by looking again, afterwards. */
void e1000_interrupt_on(const struct e1000 *n);
void e1000_interrupt_off(const struct e1000 *n);
/* Raises one by software, as if a frame had been sent; while they are off it only stays noted. */
void e1000_interrupt_raise(const struct e1000 *n);
/* A register write that does nothing: raises no cause at all. */
void e1000_raise_nothing(const struct e1000 *n);

bool e1000_link_is_up(const struct e1000 *n);

/* Everything sent comes back to the receiver; nothing leaves. -ETIMEDOUT. */
int e1000_loopback(struct e1000 *n);

/* Slots of the transmit ring that may be filled now. */
uint32_t e1000_tx_room(const struct e1000 *n);

/* Fill the next slot and return it. Of either ring at most E1000_RING - 1 slots may be under way:
 * the caller's to check. Hardware sees it at the doorbell. last: the frame ends here. report:
 * hardware says when this and all before it are done; the last slot before a doorbell must. A
 * report is a DMA write of its own. */
uint8_t e1000_tx_put(struct e1000 *n, uint64_t iova, uint16_t bytes, bool last, bool report);
uint8_t e1000_rx_put(struct e1000 *n, uint64_t iova);
void e1000_tx_doorbell(const struct e1000 *n);
void e1000_rx_doorbell(const struct e1000 *n);

/*
 * Take the oldest slot that hardware is done with: its number, or -EAGAIN. rx: bytes of the frame,
 * 0 when it arrived damaged or in more than one buffer. Done says nothing about a DMA that the
 * IOMMU blocked.
 */
int e1000_tx_take(struct e1000 *n);
int e1000_rx_take(struct e1000 *n, uint16_t *bytes);
/* e1000_rx_take would find one. */
bool e1000_rx_is_ready(const struct e1000 *n);

#endif

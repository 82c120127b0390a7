/* SPDX-License-Identifier: MIT */
/* What nic.c, nic_rx.c and nic_tx.c share; the rest of the guest includes guest/nic.h. */
#ifndef GUEST_NIC_PARTS_H
#define GUEST_NIC_PARTS_H

#include "drivers/e1000.h"
#include "guest/dma.h"
#include "guest/nic.h"

extern struct e1000 nic_device;
extern const struct nic_user *nic_user;

/* The quota had no room. Only an unmap can help, and asking before one would cost an exit at each
 * poll; but as nothing of ours may be in flight that could bring one, time counts as well. */
struct nic_refusal {
    bool refused;
    uint64_t unmaps; /* dma_counters.unmaps then */
    uint64_t until;  /* TSC */
};

bool nic_is_refused(const struct nic_refusal *r);
/* False when the quota refused: nothing is mapped. */
bool nic_commit(struct dma_burst *b, struct nic_refusal *r);

void nic_rx_start(void);
/* Frames to the user, who may send and release meanwhile. */
bool nic_rx_take(void);
/* Posts bursts of buffers while there are at_least as many to post. */
bool nic_rx_refill(uint32_t at_least);
/* Completions to the user. */
bool nic_tx_take(void);
/* Buffers to post, or frames to send, wait for room or for a doorbell. */
bool nic_rx_is_waiting(void);
bool nic_tx_is_waiting(void);

#endif

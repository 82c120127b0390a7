/* SPDX-License-Identifier: MIT */
/*
 * For the probes: a NIC in loopback that is told to read or write any address, past the guest's own
 * DMA functions. A probe exits with 0 when it did what it set out to do; whether the DMA got
 * through is told by the IOMMU's faults and, where the guest can look, by the memory.
 */
#ifndef GUEST_WORK_PROBE_H
#define GUEST_WORK_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#define PROBE_FRAME 256u

/* Rings mapped, receiver on, nothing posted. A floor of the two rings and two pages. */
void probe_start(void);

/* The device reads a frame of PROBE_FRAME bytes at address; returns when it says it has. */
void probe_read(uint64_t address);

/* The device writes a frame to address: a good frame of ours comes back through the loopback. */
void probe_write(uint64_t address);

/* Lets the hypervisor collect what the IOMMU recorded. Units have as little as one record, and drop
 * further faults of the same device while it is full. */
void probe_pause(void);

/* Sends a good frame with the NIC's interrupts on; true when one came within us. Off again then. */
bool probe_interrupt(uint32_t us);
/* With the processor's interrupts off: one is on its way, and stays there. The NIC's are on then.
 */
void probe_interrupt_pending(void);
void probe_interrupt_off(void);

/* Maps a page; returns its address for the device. */
uint64_t probe_map(const void *page, uint32_t rights);

/* One page of the heap, mapped for rights until the guest ends. */
uint8_t *probe_page(uint32_t rights);
/* One page of the heap with a frame to ourselves in it, not mapped. */
uint8_t *probe_frame(void);
/* The rights that are resident for the page of address. */
uint32_t probe_rights(uint64_t address);

/* address=, by default otherwise; must be no RAM of the guest's. */
uint64_t probe_foreign_address(uint64_t otherwise);

#endif

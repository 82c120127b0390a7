/* SPDX-License-Identifier: MIT */
/*
 * Intel VT-d: every unit of the DMAR, a root table each (they may differ in depth, and serve
 * different segments), a domain a guest (VT-d specification 3.x). Implements kernel/dma/dma_hw.h
 * for domains. Not reentrant: one CPU at a time, vtd_poll_faults excepted.
 */
#ifndef VTD_VTD_H
#define VTD_VTD_H

#include <stdbool.h>
#include <stdint.h>
#include "drivers/pci.h"
#include "kernel/acpi.h"
#include "kernel/addr.h"
#include "kernel/dma/dma_hw.h"

/*
 * Brings every unit up with all devices blocked but what RMRRs demand: VER and CAP are not all
 * ones, SAGAW decides the depth, root table, RMRRs, queued invalidation, interrupt remapping, old
 * faults cleared, translation on, protected memory regions off. Errors are in words on the console
 * and name the unit: -ENODEV (no unit, registers read all ones), -ENOTSUP (no queued invalidation,
 * no usable width), -ETIMEDOUT. need_remapping: -ENOTSUP also when a unit has no interrupt
 * remapping or the DMAR does not declare it.
 */
int vtd_start(const struct acpi_dmar *dmar, bool need_remapping);

/*
 * In place of vtd_start where there is no VT-d: domains are built, walked and counted as ever, and
 * translate nothing; a device that may master the bus reaches all memory. IOVA = HPA is the
 * caller's to see to. -ENOMEM.
 */
int vtd_start_absent(void);
bool vtd_is_absent(void);
/* The root table that a unit would have; for the walker. */
hpa_t vtd_absent_root(void);

/* Translation of every unit on or off: off only for unsafe-dma's `none`, with bus mastering off
 * everywhere. -ETIMEDOUT. */
int vtd_translate(bool on);

/* A domain on the unit that answers for f. dma_hw functions work on it at once; no device uses it
 * before vtd_attach. -ENODEV, -ENOMEM, -ENOSPC (domain ids). */
int vtd_domain_create(const struct pci_function *f, struct dma_hw **domain);
/* The table pages are freed after their invalidation; -ETIMEDOUT: they are quarantined. */
int vtd_domain_destroy(struct dma_hw *domain);

/* The domain's devices will reach all memory, untranslated. Before vtd_attach. -ENOTSUP, with
 * words, where the unit has no pass-through. */
int vtd_domain_pass_through(struct dma_hw *domain);

/* Points f's context entry to the domain; f must be blocked. Bus mastering is the caller's,
 * afterwards. -EBUSY (attached already, or an RMRR is mapped for it), -ENOTSUP (conventional PCI
 * behind a bridge: shares its source-id), -ENOMEM, -ETIMEDOUT. */
int vtd_attach(const struct pci_function *f, struct dma_hw *domain);
/* Blocks f again: clears the context entry, invalidates context cache and IOTLB, waits. -ETIMEDOUT.
 */
int vtd_detach(const struct pci_function *f);
/* The id of the domain that f is attached to; -ENOENT: it is blocked, or no unit answers for it. */
int vtd_domain_of(const struct pci_function *f);

/*
 * f's one interrupt: message is what f has to write for vector to reach the CPU with this APIC id,
 * edge-triggered, once. It names an interrupt-remapping entry that compares f's source-id; where
 * interrupts are not remapped (unsafe-msi, no unit) it is of the compatibility format. -EBUSY (f
 * has one), -ENOSPC (entries), -ENOTSUP (said in words), -ETIMEDOUT: the entry is blocked again.
 */
int vtd_interrupt_open(const struct pci_function *f, uint8_t vector, uint32_t apic_id,
                       struct pci_message *message);
/* f's messages are blocked from here on. -ETIMEDOUT. */
int vtd_interrupt_close(const struct pci_function *f);

/* A wait descriptor alone; behind an invalidation of a page, of the domain, of all domains. */
enum vtd_price { VTD_PRICE_WAIT, VTD_PRICE_PAGE, VTD_PRICE_DOMAIN, VTD_PRICE_GLOBAL, VTD_PRICES };

/* Has the unit do it once, through its queue: TSC ticks from the first descriptor until the wait is
 * seen to be over. Harmless at any time: nothing but cached translations goes. -ENODEV where VT-d
 * is absent, -ENOTSUP where the unit has no such invalidation, -ETIMEDOUT as of dma_hw_wait. */
int vtd_price(struct dma_hw *domain, enum vtd_price what, iova_t page, uint64_t *ticks);

/* Reads and clears fault records: logs each new one in words (rate-limited), returns how many were
 * new. Called on each tick and at the end of a window. */
uint32_t vtd_poll_faults(void);
uint64_t vtd_faults(void); /* seen since start */

/* True for addresses no device or guest table may ever map: the units' registers, the interrupt
 * range 0xfeexxxxx. */
bool vtd_is_forbidden(hpa_t page);

uint32_t vtd_units(void); /* 0 before vtd_start, and where VT-d is absent */
/* The DMAR that vtd_start was given; unit i there is unit i here. */
const struct acpi_dmar *vtd_dmar(void);
/* For the walker and for records: registers of unit i. */
hpa_t vtd_unit_registers(uint32_t i);
uint64_t vtd_unit_cap(uint32_t i);
uint64_t vtd_unit_ecap(uint32_t i);

#endif

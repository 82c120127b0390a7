/* SPDX-License-Identifier: MIT */
/* Page frames and the hypervisor's own address space. Virtual = physical throughout. */
#ifndef KERNEL_MEM_H
#define KERNEL_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "kernel/addr.h"
#include "kernel/bootinfo.h"

/* Takes over the RAM ranges less the image, the modules, the first MiB and what the loader left.
 * -ENOMEM with words on the console. */
int mem_init(const struct boot_info *boot);

/* One zeroed frame, or 0. */
hpa_t frame_alloc(void);
/* count zeroed consecutive frames, aligned to align bytes (a power of two >= PAGE_SIZE), or 0. */
hpa_t frame_alloc_run(uint64_t count, uint64_t align);
/* A second free panics; debug builds fill the frame with junk. */
void frame_free(hpa_t frame);
void frame_free_run(hpa_t frame, uint64_t count);
/* Withdraws frames for good: a device may still write there. */
void frame_quarantine_run(hpa_t frame, uint64_t count);
uint64_t frames_free(void);
uint64_t frames_total(void);
/* True when the frame is the hypervisor's: image, tables, free or allocated RAM. The walker asks.
 * Guest RAM is marked by frame_give_guest. */
bool frame_is_hypervisor(hpa_t frame);
void frame_give_guest(hpa_t frame, uint64_t count, bool guest);

/*
 * The hypervisor's page tables, W^X: image text R-X, constants R--, data RW-, RAM of the allocator
 * RW- (NX), stacks between guard pages, nothing else; page 0 is never mapped.
 */
int paging_init(const struct boot_info *boot);
/* Called on each further CPU: the same tables, NX, SMEP, SMAP, WP. */
void paging_init_cpu(void);
/* Device registers: RW-, NX, uncacheable. NULL when out of frames. bytes is rounded out to pages.
 */
volatile void *map_mmio(hpa_t base, uint64_t bytes);
/* Firmware tables: R--. Mapping twice is fine. */
const void *map_firmware(hpa_t base, uint64_t bytes);
/* Guest RAM: RW-, NX, user pages, so that with SMAP only code between guest_access_begin and _end
 * reaches it. */
int map_guest(hpa_t base, uint64_t bytes);
void unmap_guest(hpa_t base, uint64_t bytes);
void guest_access_begin(void); /* STAC where SMAP is on */
void guest_access_end(void);

static inline void *phys_to_virt(hpa_t p)
{
    return (void *)p.v;
}

static inline hpa_t virt_to_phys(const void *v)
{
    return hpa((uint64_t)v);
}

/* A stack of bytes (page multiple) with an unmapped guard page below; returns its top. NULL when
 * out of memory. */
void *stack_alloc(uint64_t bytes);

#endif

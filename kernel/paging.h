/* SPDX-License-Identifier: MIT */
/* The hypervisor's page tables, seen from its own parts; the rest uses kernel/mem.h. Only the boot
 * CPU changes them; another CPU flushes its TLB before it runs what it was called for (smp.c). */
#ifndef KERNEL_PAGING_H
#define KERNEL_PAGING_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/addr.h"

enum paging_rights { PAGING_READ, PAGING_READ_WRITE };

/* Maps a page of RAM that nobody maps otherwise, and unmaps it again. -ENOMEM. */
int paging_map_page(hpa_t page, enum paging_rights rights);
void paging_unmap_page(hpa_t page);

/* Whether eight bytes at address can be read without a fault or a side effect. For the backtrace:
 * works at any time, on any CPU, believes nothing. */
bool paging_is_readable(uint64_t address);

/* What is at address, in words, for a page fault's report. */
const char *paging_describe(uint64_t address);

#endif

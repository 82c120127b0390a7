/* SPDX-License-Identifier: MIT */
/*
 * An independent reader of every table that hardware walks: it shares no code with the code that
 * writes them. It starts from the units' RTADDR registers and the nested root, and proves invariant
 * 1: no hypervisor frame, no forbidden address reachable, and (on-demand) nothing mapped that the
 * engine does not count; and that no device can raise an interrupt but the guest's, with irq=msi,
 * its own. Three exceptions, each behind an option of its own: strategy=none (unsafe-dma), devices
 * on a machine without VT-d (unsafe-no-iommu), and what the switch needs in the page table of a
 * native guest (unsafe-native), which ring 0 need not keep to.
 */
#ifndef KERNEL_WALKER_H
#define KERNEL_WALKER_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/vm.h"

/* Walks all second-level tables and vm's nested table (vm may be NULL: then only the devices').
 * Violations are said on the console, one a line, the first 8; returns how many. leaves: 4 KiB
 * pages the devices reach (may be NULL). */
uint64_t walker_check(const struct vm *vm, uint64_t *leaves);

#endif

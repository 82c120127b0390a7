/* SPDX-License-Identifier: MIT */
/* The cases of one boot: for each round, workload, strategy, quota and irq a fresh guest from
 * the pristine image. */
#ifndef KERNEL_CASES_H
#define KERNEL_CASES_H

#include "drivers/pci.h"
#include "kernel/bootinfo.h"
#include "kernel/cpu/cpu.h"
#include "kernel/options.h"
#include "kernel/panic.h"

/* Runs them all, also past one that fails, unless it was the hardware that failed; returns the code
 * to leave with: the worst of all cases.
 */
enum exit_code cases_run(const struct options *o, const struct boot_module *image,
                         struct pci_function *nic, const struct cpu_ops *cpu);

#endif

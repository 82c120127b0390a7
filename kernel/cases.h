/* SPDX-License-Identifier: MIT */
/* The cases of one boot, or of one run from the shell: for each a fresh guest from the pristine
 * image. */
#ifndef KERNEL_CASES_H
#define KERNEL_CASES_H

#include "drivers/pci.h"
#include "kernel/bootinfo.h"
#include "kernel/cpu/cpu.h"
#include "kernel/options.h"
#include "kernel/panic.h"
#include "kernel/vm.h"

/*
 * Runs the cases of the plan that bench= names, else those of the options themselves, from resume=
 * on, also past one that fails, unless it was the hardware that failed; returns the code to leave
 * with: the worst of all cases. EXIT_REFUSED, with words on the console and nothing run, for a plan
 * that is wrong. A case whose quota is a share of a working set that is not known yet, because
 * resume= left its measurement out, has that run first.
 */
enum exit_code cases_run(const struct options *o, const struct boot_module *image,
                         struct pci_function *nic, const struct cpu_ops *cpu);

/* Where bench=NAME finds NAME when it is no plan of the image's own. */
void cases_set_plan(const struct boot_module *module);

/* The last case that ran, and how it ended; NULL before the first. */
const struct vm_outcome *cases_last(const char **what);

#endif

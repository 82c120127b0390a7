/* SPDX-License-Identifier: MIT */
/* Commands by the serial line: docs/console.md. */
#ifndef KERNEL_SHELL_H
#define KERNEL_SHELL_H

#include "kernel/cases.h"

/* Serves commands until one of them leaves; returns the code to leave with: that of the worst cases
 * so far, code among them. o holds the command line's settings and changes by `set`. */
enum exit_code shell_run(struct options *o, const struct boot_module *image,
                         struct pci_function *nic, const struct cpu_ops *cpu, enum exit_code code);

#endif

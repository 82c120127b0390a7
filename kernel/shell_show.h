/* SPDX-License-Identifier: MIT */
/* What the shell's commands print: text for a person, but for records. */
#ifndef KERNEL_SHELL_SHOW_H
#define KERNEL_SHELL_SHOW_H

#include "drivers/pci.h"
#include "kernel/cpu/cpu.h"
#include "kernel/options.h"

/* A line. */
void show(const char *format, ...) __attribute__((format(printf, 1, 2)));

void show_settings(const struct options *o);
void show_trace(const struct options *o);
void show_options(void);
void show_status(const struct pci_function *nic, const struct cpu_ops *cpu);
void show_stats(void);
void show_faults(void);
void show_domains(void);
/* The records from..to that are still there, then one that says which those are. */
void show_results(uint64_t from, uint64_t to);

#endif

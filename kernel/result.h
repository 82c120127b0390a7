/* SPDX-License-Identifier: MIT */
/* The records on the console: one JSON object a line, numbered, closed by a CRC (docs/records.md).
 */
#ifndef KERNEL_RESULT_H
#define KERNEL_RESULT_H

#include <stdint.h>
#include "kernel/panic.h"
#include "kernel/vm.h"

/* What a case is, beside its vm_params. */
struct result_case {
    uint32_t round; /* from 1 */
    const char *work;
    const char *args;       /* its own; NULL without any */
    const char *quota_text; /* as on the command line; NULL without one */
};

void result_boot(uint32_t cpus, uint64_t memory_pages);
void result_case_begin(const struct result_case *c, const struct vm_params *params);
/* One finished window of a running guest. */
void result_print(const struct vm *vm, const struct vm_result *r);
void result_case_end(const struct result_case *c, const struct vm_outcome *outcome);
/* A piece of a guest's trace, base64: part of parts, from 1. */
void result_trace(uint64_t part, uint64_t parts, const char *base64);
void result_end(uint32_t cases, uint32_t failed);
/* The last record of every boot. */
void result_exit(enum exit_code code);

#endif

/* SPDX-License-Identifier: MIT */
/* The records on the console: one JSON object a line, numbered, closed by a CRC (docs/records.md).
 */
#ifndef KERNEL_RESULT_H
#define KERNEL_RESULT_H

#include <stddef.h>
#include <stdint.h>
#include "kernel/panic.h"
#include "kernel/plan.h"
#include "kernel/smbios.h"
#include "kernel/vm.h"

/* What a case is, beside its vm_params. */
struct result_case {
    uint32_t number, of;     /* from 1 */
    uint32_t round;          /* from 1 */
    uint32_t line;           /* of the plan; 0 without one */
    const char *const *text; /* its values, by enum dimension, as they were given; NULL: none */
};

/* Keeps every record from here on in memory of so many bytes, the oldest as long as there is room.
 */
void result_keep(void *memory, size_t bytes);
/* The records that are kept, by seq; last < first: none. */
void result_range(uint64_t *first, uint64_t *last);
/* Prints this one again, byte for byte, when it is kept. */
void result_again(uint64_t seq);
/* Prints which are kept. Not one of the numbered records: it is what answers a request for them. */
void result_told(void);

/* What a reader must know about the machine. */
struct result_machine {
    uint32_t cpus;
    uint64_t memory_pages;
    const char *firmware; /* "bios", "uefi" */
    const struct smbios *smbios;
    uint64_t seed;
};

void result_boot(const struct result_machine *m);
/* What is about to run. */
void result_plan(const struct plan *plan, uint32_t resume);
void result_case_begin(const struct result_case *c, const struct vm_params *params);
/* One finished window of a running guest. */
void result_print(const struct vm *vm, const struct vm_result *r);
/* Prices in ticks: the guest's figures, and the queue's by enum vtd_price. */
void result_calibrate(const struct vm *vm, const struct abi_calibration *guest,
                      const struct abi_spread *queue);
void result_case_end(const struct result_case *c, const struct vm_outcome *outcome);
/* A piece of a guest's trace, base64: part of parts, from 1. */
void result_trace(uint64_t part, uint64_t parts, const char *base64);
void result_end(uint32_t cases, uint32_t failed);
/* The last record of every boot. */
void result_exit(enum exit_code code);

#endif

/* SPDX-License-Identifier: MIT */
/* The second-stage table of a guest: GPA to HPA, in EPT or NPT format. */
#ifndef KERNEL_CPU_NESTED_H
#define KERNEL_CPU_NESTED_H

#include <stdint.h>
#include "kernel/addr.h"
#include "kernel/cpu/cpu.h"

enum nested_rights { NESTED_READ = 1, NESTED_WRITE = 2, NESTED_EXEC = 4 };

/* -ENOMEM. */
int nested_create(struct nested_format format, struct nested_table **table);
void nested_destroy(struct nested_table *table);

/*
 * Maps [guest, guest + bytes) to frames from host on; all page-aligned. largest: PAGE_SIZE, PAGE_2M
 * or PAGE_1G, the biggest leaf allowed (registers: PAGE_SIZE, so that a neighbour page is never
 * included). device: uncacheable. -ENOMEM, -EEXIST when part is mapped.
 */
int nested_map(struct nested_table *table, gpa_t guest, hpa_t host, uint64_t bytes, unsigned rights,
               uint64_t largest, bool device);
/* Whole leaves only: the ranges that were mapped. What is not mapped is passed over. */
void nested_unmap(struct nested_table *table, gpa_t guest, uint64_t bytes);

/* The frame behind guest and the rights there; -EFAULT when not mapped. */
int nested_lookup(const struct nested_table *table, gpa_t guest, hpa_t *host, unsigned *rights);

hpa_t nested_root(const struct nested_table *table);
uint32_t nested_table_pages(const struct nested_table *table);
/* Changes with every map and unmap: a TLB filled before is stale. */
uint64_t nested_generation(const struct nested_table *table);
/* Grows by one with each nested_unmap: what a CPU cached under an older one must be flushed. */
uint64_t nested_generation(const struct nested_table *table);

#endif

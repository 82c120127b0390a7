/* SPDX-License-Identifier: MIT */
/* One exception of each kind, for whoever meets it: the host before the guest has handlers, the
 * guest's handlers after. */
#ifndef TESTS_CPU_EXCEPTIONS_H
#define TESTS_CPU_EXCEPTIONS_H

#include "tests/cpu/guest.h"

enum vector {
    VECTOR_DE = 0,
    VECTOR_DB = 1,
    VECTOR_BP = 3,
    VECTOR_UD = 6,
    VECTOR_NM = 7,
    VECTOR_DF = 8,
    VECTOR_TS = 10,
    VECTOR_NP = 11,
    VECTOR_SS = 12,
    VECTOR_GP = 13,
    VECTOR_PF = 14,
    VECTOR_MF = 16,
    VECTOR_AC = 17,
    VECTOR_XM = 19,
};

struct exception_row {
    const char *name;
    const uint8_t *code, *at; /* at: the RIP it is raised with */
    uint8_t vector;
    bool has_error;
    uint32_t error;
    uint64_t address; /* for page faults: also what RAX is to be */
};

#define EXCEPTION_ROWS 14
extern const struct exception_row exception_rows[EXCEPTION_ROWS];
/* A write to a read-only page. */
#define EXCEPTION_WRITE 11

/* The error code of a page fault as the manuals have it: QEMU's TCG leaves P out where a reserved
 * bit is set. */
uint32_t exception_error(uint32_t error);

/* What the row needs: page-table entries that forbid, TS set. */
void exception_set_up(struct guest *g, const struct exception_row *row);

/* The error code of an event that has no gate. external: not an INT's. QEMU's TCG counts 16 bytes a
 * gate where the manuals count 8, and knows no external ones. */
uint32_t exception_no_gate(uint8_t vector, bool external);

#endif

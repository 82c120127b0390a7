/* SPDX-License-Identifier: MIT */
/* Line counts of kernel/cpu, for builds that have them (COVERAGE=1). */
#ifndef TESTS_CPU_COVERAGE_H
#define TESTS_CPU_COVERAGE_H

/* Prints a "gcda NAME" line for each object that counts, and its counts in hexadecimal lines "gcda:
 * ..."; nothing in other builds. */
void coverage_dump(void);

#endif

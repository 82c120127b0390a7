/* SPDX-License-Identifier: MIT */
/* What a world switch costs: work=bench. */
#ifndef TESTS_CPU_BENCH_H
#define TESTS_CPU_BENCH_H

#include <stdbool.h>
#include <stdint.h>

bool bench_is_asked_for(const char *work);
/* A table on the console; returns how many rows could not be measured. */
uint32_t bench_run(void);

#endif

/* SPDX-License-Identifier: MIT */
/* Cases of the CPU backends. Each gets a fresh guest, and reports in KTAP: the first EXPECT that
 * does not hold ends the case. */
#ifndef TESTS_CPU_TEST_H
#define TESTS_CPU_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "kernel/cpu/cpu.h"
#include "kernel/options.h"
#include "tests/cpu/guest.h"

struct test_case {
    const char *name;
    void (*run)(struct guest *g);
    const char *backend; /* NULL: any */
    uint32_t cpus;       /* at least */
};

#define CASE(fn)               \
    {                          \
        .name = #fn, .run = fn \
    }
#define CASE_OF(name_, fn)                       \
    {                                            \
        .name = #fn, .run = fn, .backend = name_ \
    }
#define CASE_CPUS(n, fn)                  \
    {                                     \
        .name = #fn, .run = fn, .cpus = n \
    }

struct test_group {
    const char *name;
    const struct test_case *cases;
    size_t count;
};

#define GROUP(name_)                          \
    const struct test_group group_##name_ = { \
        .name = #name_, .cases = cases, .count = sizeof cases / sizeof cases[0]}

extern const struct test_group group_exits, group_control, group_virt, group_msr, group_io,
    group_exceptions, group_inject, group_interrupts, group_nested, group_walk, group_state,
    group_vcpus, group_memory, group_host, group_svm, group_vmx, group_native, group_native_events;

/* The backend under test, and CPUs that run. */
extern const struct cpu_ops *cpu;
extern uint32_t cpus;

/* Whether this is the one, for what the two manuals say differently. */
bool is_svm(void);
bool is_vmx(void);
bool is_native(void);

/* The host's tick, which ends a guest that would never exit; off, none is left waiting either. */
void test_ticks(bool on);

/* Runs all, or those whose group or full name is among names; returns how many failed. */
uint32_t test_run(const char (*names)[OPTIONS_NAME], uint32_t count);

/* Added to what is said of a failure: which row of a table it is. */
void test_row(const char *format, ...) __attribute__((format(printf, 1, 2)));
void test_skip(const char *why);

bool test_equal(const char *file, int line, const char *what, uint64_t got, uint64_t want);
bool test_true(const char *file, int line, const char *what, bool holds);
bool test_words(const char *file, int line, const char *got, const char *want);
/* These three run the guest first. */
bool test_exit(const char *file, int line, struct guest *g, enum cpu_exit_reason reason);
bool test_point(const char *file, int line, struct guest *g, uint32_t number);
bool test_trap(const char *file, int line, struct guest *g, uint8_t vector);

#define OR_RETURN(holds) \
    do {                 \
        if (!(holds))    \
            return;      \
    } while (0)

#define EXPECT(holds) OR_RETURN(test_true(__FILE__, __LINE__, #holds, holds))
#define EXPECT_EQ(got, want) \
    OR_RETURN(test_equal(__FILE__, __LINE__, #got, (uint64_t)(got), (uint64_t)(want)))
/* got contains want. */
#define EXPECT_WORDS(got, want) OR_RETURN(test_words(__FILE__, __LINE__, got, want))
/* The guest's next exit has this reason. */
#define EXPECT_EXIT(g, reason_) OR_RETURN(test_exit(__FILE__, __LINE__, g, reason_))
/* The guest comes to its point of this number; the next run goes on behind it. */
#define EXPECT_POINT(g, number) OR_RETURN(test_point(__FILE__, __LINE__, g, number))
/* The guest's own handler for vector runs next: its frame is in g->trap; the next run returns from
 * it. */
#define EXPECT_TRAP(g, vector) OR_RETURN(test_trap(__FILE__, __LINE__, g, vector))
#define SKIP(why)       \
    do {                \
        test_skip(why); \
        return;         \
    } while (0)

#endif

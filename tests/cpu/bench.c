/* SPDX-License-Identifier: MIT */
/*
 * Ticks of the TSC from one return of run() to the next, the guest's few instructions and the
 * skipping of the one that left included. Where the clock counts instructions (QEMU -icount
 * shift=0, Bochs) they are instructions, and every run is the same.
 */
#include "tests/cpu/bench.h"
#include <string.h>
#include "kernel/log.h"
#include "kernel/time.h"
#include "lib/fmt.h"
#include "tests/cpu/test.h"

#define TURNS 1000u

#define DECLARE(name) extern const uint8_t guest_##name[]
DECLARE(bench_hypercall);
DECLARE(bench_cpuid);
DECLARE(bench_hlt);
DECLARE(bench_rdmsr);
DECLARE(bench_io);
DECLARE(bench_fault);

struct row {
    const char *name;
    const uint8_t *code;
    enum cpu_exit_reason reason;
    uint8_t skip; /* bytes */
};

static const struct row rows[] = {
    {"null hypercall", guest_bench_hypercall, CPU_EXIT_HYPERCALL, 3},
    {"CPUID", guest_bench_cpuid, CPU_EXIT_CPUID, 2},
    {"HLT", guest_bench_hlt, CPU_EXIT_HLT, 1},
    {"RDMSR", guest_bench_rdmsr, CPU_EXIT_RDMSR, 2},
    {"OUT", guest_bench_io, CPU_EXIT_IO, 1},
    {"nested fault", guest_bench_fault, CPU_EXIT_NESTED_FAULT, 8},
};

bool bench_is_asked_for(const char *work)
{
    return strcmp(work, "bench") == 0;
}

static void say(const char *name, uint64_t ticks)
{
    char line[80];

    fmt_snprintf(line, sizeof line, "bench %s %-16s %8lu\n", cpu->name, name, ticks / TURNS);
    log_write(line, strlen(line));
}

/* On the bare machine only a call leaves, and RIP is behind it. */
static bool is_measured(const struct row *row)
{
    return !is_native() || row->reason == CPU_EXIT_HYPERCALL;
}

static bool measure(struct guest *g, const struct row *row)
{
    uint8_t skip = is_native() ? 0 : row->skip;
    uint64_t begin = 0;

    guest_start(g, row->code);
    /* The first turns warm up what there is to warm up. */
    for (unsigned i = 0; i < TURNS + 10; i++) {
        if (i == 10)
            begin = tsc_read();
        cpu->run(&g->vcpu, &g->exit);
        if (g->exit.reason != row->reason)
            return false;
        g->vcpu.regs.rip += skip;
    }
    say(row->name, tsc_read() - begin);
    return true;
}

uint32_t bench_run(void)
{
    static struct guest g;
    uint32_t failed = 0;

    test_ticks(false);
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool made = is_measured(&rows[i]) && guest_create(&g);

        if (!is_measured(&rows[i]))
            continue;
        if (made && rows[i].reason == CPU_EXIT_NESTED_FAULT)
            guest_nested_set(&g, GUEST_DATA, 0);
        if (!made || !measure(&g, &rows[i])) {
            log_error("bench", "%s: exit %s", rows[i].name, cpu_exit_name(g.exit.reason));
            failed++;
        }
        guest_destroy(&g);
    }
    return failed;
}

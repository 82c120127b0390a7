/* SPDX-License-Identifier: MIT */
/* KTAP (Documentation/dev-tools/ktap.rst of Linux): a plan, and a line for each case. */
#include "tests/cpu/test.h"
#include <stdarg.h>
#include <string.h>
#include "kernel/log.h"
#include "kernel/mem.h"
#include "kernel/smp.h"
#include "lib/fmt.h"

#define LINE_BYTES 320
#define NAME_BYTES 64
#define TICK_HZ    50
#define IO_BYTES   2 /* OUT with the port in the instruction */

const struct cpu_ops *cpu;
uint32_t cpus;

static const struct test_group *const groups[] = {
    &group_exits,      &group_control, &group_virt,          &group_msr,    &group_io,
    &group_exceptions, &group_inject,  &group_interrupts,    &group_nested, &group_walk,
    &group_state,      &group_vcpus,   &group_memory,        &group_host,   &group_svm,
    &group_vmx,        &group_native,  &group_native_events,
};
#define GROUPS (sizeof groups / sizeof groups[0])

/* Of the case that runs. */
static char failure[LINE_BYTES], row[NAME_BYTES];
static const char *skipped;

void test_ticks(bool on)
{
    apic_timer(on ? TICK_HZ : 0);
    if (!on)
        __asm__ volatile("sti; nop; cli" ::: "memory");
}

bool is_svm(void)
{
    return strcmp(cpu->name, "svm") == 0;
}

bool is_vmx(void)
{
    return strcmp(cpu->name, "vmx") == 0;
}

bool is_native(void)
{
    return strcmp(cpu->name, "native") == 0;
}

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
    char line[LINE_BYTES + 2 * NAME_BYTES];
    va_list args;

    va_start(args, format);
    fmt_vsnprintf(line, sizeof line, format, args);
    va_end(args);
    log_write(line, strlen(line));
}

void test_row(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fmt_vsnprintf(row, sizeof row, format, args);
    va_end(args);
}

void test_skip(const char *why)
{
    skipped = why;
}

static void fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void fail(const char *file, int line, const char *format, ...)
{
    char text[LINE_BYTES / 2];
    va_list args;

    if (failure[0])
        return;
    va_start(args, format);
    fmt_vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fmt_snprintf(failure, sizeof failure, "%s:%d: %s%s%s", file, line, text, row[0] ? ", at " : "",
                 row);
}

bool test_equal(const char *file, int line, const char *what, uint64_t got, uint64_t want)
{
    if (got != want)
        fail(file, line, "%s is 0x%lx, expected 0x%lx", what, got, want);
    return got == want;
}

bool test_true(const char *file, int line, const char *what, bool holds)
{
    if (!holds)
        fail(file, line, "%s does not hold", what);
    return holds;
}

static bool contains(const char *text, const char *part)
{
    size_t length = strlen(part);

    for (; strlen(text) >= length; text++)
        if (memcmp(text, part, length) == 0)
            return true;
    return false;
}

bool test_words(const char *file, int line, const char *got, const char *want)
{
    bool found = got && contains(got, want);

    if (!found)
        fail(file, line, "the words are \"%s\", expected \"%s\"", got ? got : "", want);
    return found;
}

static void describe(const struct guest *g, char *to, size_t size)
{
    const struct cpu_exit *e = &g->exit;
    char more[64] = "";

    if (e->reason == CPU_EXIT_EXCEPTION)
        fmt_snprintf(more, sizeof more, " vector %u error 0x%x address 0x%lx",
                     e->exception.event.vector, e->exception.event.error,
                     e->exception.event.address);
    else if (e->reason == CPU_EXIT_IO)
        fmt_snprintf(more, sizeof more, " port 0x%x", e->io.port);
    else if (e->reason == CPU_EXIT_NESTED_FAULT || e->reason == CPU_EXIT_NESTED_BROKEN)
        fmt_snprintf(more, sizeof more, " address 0x%lx access %u", e->nested.address.v,
                     e->nested.access);
    else if (e->what)
        fmt_snprintf(more, sizeof more, " (%s)", e->what);
    fmt_snprintf(to, size, "%s%s, raw 0x%lx, RIP 0x%lx", cpu_exit_name(e->reason), more, e->raw,
                 g->vcpu.regs.rip);
}

bool test_exit(const char *file, int line, struct guest *g, enum cpu_exit_reason reason)
{
    char got[128];

    guest_run(g);
    if (g->exit.reason == reason)
        return true;
    describe(g, got, sizeof got);
    fail(file, line, "the exit is %s, expected %s", got, cpu_exit_name(reason));
    return false;
}

/* An OUT to this port; the next run goes on behind it. */
static bool leaves_by(const char *file, int line, struct guest *g, uint16_t port)
{
    char got[128];

    guest_run(g);
    if (g->exit.reason == CPU_EXIT_IO && g->exit.io.port == port) {
        g->vcpu.regs.rip += IO_BYTES;
        return true;
    }
    describe(g, got, sizeof got);
    fail(file, line, "the exit is %s, expected port 0x%x", got, port);
    return false;
}

bool test_point(const char *file, int line, struct guest *g, uint32_t number)
{
    return leaves_by(file, line, g, (uint16_t)(GUEST_PORT_POINT + number));
}

bool test_trap(const char *file, int line, struct guest *g, uint8_t vector)
{
    struct cpu_state state;

    if (!leaves_by(file, line, g, GUEST_PORT_TRAP))
        return false;
    cpu->get_state(&g->vcpu, &state);
    g->trap = *(const struct guest_trap *)guest_at(g, state.rsp);
    return test_equal(file, line, "the vector", g->trap.vector, vector);
}

static bool is_wanted(const char *group, const char *name, const char (*names)[OPTIONS_NAME],
                      uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(names[i], group) == 0 || strcmp(names[i], name) == 0 ||
            strcmp(names[i], "all") == 0)
            return true;
    return false;
}

static void run_with_guest(const struct test_case *c)
{
    static struct guest g;
    uint64_t frames = frames_free();

    if (!guest_create(&g))
        fail(__FILE__, __LINE__, "no memory for the guest");
    else
        c->run(&g);
    guest_destroy(&g);
    test_row("the end");
    test_equal(__FILE__, __LINE__, "frames_free()", frames_free(), frames);
}

/* false: it failed. */
static bool run_case(const struct test_group *group, const struct test_case *c, uint32_t number)
{
    failure[0] = 0;
    row[0] = 0;
    skipped = NULL;
    if (c->backend && strcmp(c->backend, cpu->name) != 0)
        skipped = "another backend's";
    else if (cpus < c->cpus)
        skipped = "needs more CPUs";
    else
        run_with_guest(c);
    if (failure[0])
        say("not ok %u %s.%s # %s\n", number, group->name, c->name, failure);
    else
        say("ok %u %s.%s%s%s\n", number, group->name, c->name, skipped ? " # SKIP " : "",
            skipped ? skipped : "");
    return !failure[0];
}

/* Runs the cases that are wanted when failed is given; returns how many those are. */
static uint32_t each_case(const char (*names)[OPTIONS_NAME], uint32_t count, uint32_t *failed)
{
    uint32_t number = 0;

    for (size_t i = 0; i < GROUPS; i++)
        for (size_t j = 0; j < groups[i]->count; j++) {
            const struct test_case *c = &groups[i]->cases[j];

            if (!is_wanted(groups[i]->name, c->name, names, count))
                continue;
            number++;
            if (failed && !run_case(groups[i], c, number))
                ++*failed;
        }
    return number;
}

uint32_t test_run(const char (*names)[OPTIONS_NAME], uint32_t count)
{
    uint32_t failed = 0;

    say("KTAP version 1\n1..%u\n", each_case(names, count, NULL));
    each_case(names, count, &failed);
    return failed;
}

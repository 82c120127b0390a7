/* SPDX-License-Identifier: MIT */
/* gcc's counters, out of a machine without files: libgcov makes the bytes of each .gcda, the
 * console takes them as text, and coverage.py makes files of them again. */
#include "tests/cpu/coverage.h"
#include <string.h>
#include "kernel/log.h"
#include "kernel/panic.h"
#include "lib/fmt.h"

#define LINE_BYTES 60

struct gcov_info;

/* libgcov (gcc's gcov.h). */
void __gcov_info_to_gcda(const struct gcov_info *info, void (*filename)(const char *, void *),
                         void (*dump)(const void *, unsigned, void *),
                         void *(*allocate)(unsigned, void *), void *arg);
/* What it refers to, and calls for other kinds of counters alone. */
void __gcov_merge_add(void);
void abort(void);
void mmap(void);

/* -fprofile-info-section=gcov_info: a pointer from each object that counts. */
extern const struct gcov_info *const __start_gcov_info[], *const __stop_gcov_info[];

void __gcov_merge_add(void)
{
    panic("coverage: counters are merged on the host");
}

void abort(void)
{
    panic("coverage: libgcov gave up");
}

void mmap(void)
{
    panic("coverage: libgcov wants memory");
}

static void name(const char *path, void *arg)
{
    (void)arg;
    log_write("gcda ", 5);
    log_write(path, strlen(path));
    log_write("\n", 1);
}

static void bytes(const void *from, unsigned count, void *arg)
{
    const uint8_t *byte = from;
    char line[8 + 2 * LINE_BYTES];

    (void)arg;
    while (count > 0) {
        int at = fmt_snprintf(line, sizeof line, "gcda: ");

        for (unsigned i = 0; i < LINE_BYTES && count > 0; i++, count--)
            at += fmt_snprintf(line + at, sizeof line - (size_t)at, "%02x", *byte++);
        log_write(line, (size_t)at);
        log_write("\n", 1);
    }
}

static void *allocate(unsigned count, void *arg)
{
    (void)arg;
    panic("coverage: libgcov wants %u bytes", count);
}

void coverage_dump(void)
{
    for (const struct gcov_info *const *i = __start_gcov_info; i < __stop_gcov_info; i++)
        __gcov_info_to_gcda(*i, name, bytes, allocate, NULL);
}

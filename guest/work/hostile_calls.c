/* SPDX-License-Identifier: MIT */
/* Hypercalls with wild numbers and pointers: the right error each, and life goes on. */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include "guest/args.h"
#include "guest/console.h"
#include "guest/heap.h"
#include "guest/hyper.h"
#include "guest/random.h"
#include "guest/workload.h"

static void expect(const char *what, int64_t got, int64_t want)
{
    if (got != want)
        fail("hostile_calls: %s: got %d, not %d", what, (int)got, (int)want);
}

static void bad_pointers(uint64_t call, uint64_t bytes, const char *what)
{
    uint64_t end = boot->ram_base + boot->ram_bytes;
    const uint64_t wild[] = {0,        boot->ram_base - 1, end - bytes + 1, end,
                             1u << 20, 0xfed90000u,        UINT64_MAX - 8,  UINT64_MAX};

    for (unsigned i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
        /* A guest whose RAM covers the address may use it. */
        if (wild[i] - boot->ram_base < boot->ram_bytes - bytes)
            continue;
        expect(what, hyper_call(call, wild[i], bytes), -EFAULT);
    }
}

static void console(void)
{
    bad_pointers(ABI_CONSOLE_WRITE, 16, "console text outside RAM");
    bad_pointers(ABI_CONSOLE_WRITE, ABI_CONSOLE_MAX, "console text over RAM's end");
    expect("too long a text", hyper_call(ABI_CONSOLE_WRITE, boot->heap_base, ABI_CONSOLE_MAX + 1),
           -E2BIG);
    expect("2^64 - 1 bytes of text", hyper_call(ABI_CONSOLE_WRITE, boot->heap_base, UINT64_MAX),
           -E2BIG);
}

/* Keys that would end their own text early, or never; then the longest record there can be. */
static void figures(void)
{
    struct abi_window w;

    memset(&w, 0xff, sizeof(w));
    memcpy(w.workload, "hostile_calls", sizeof("hostile_calls"));
    expect("a figure of wild letters", hyper_call(ABI_WINDOW_END, (uintptr_t)&w, 0), -EINVAL);
    for (unsigned i = 0; i < ABI_FIGURES; i++)
        memset(w.figure[i].key, 'a' + (int)i, sizeof(w.figure[i].key));
    expect("figures without an end", hyper_call(ABI_WINDOW_END, (uintptr_t)&w, 0), -EINVAL);
    for (unsigned i = 0; i < ABI_FIGURES; i++)
        w.figure[i].key[sizeof(w.figure[i].key) - 1] = 0;
    expect("the longest record", hyper_call(ABI_WINDOW_END, (uintptr_t)&w, 0), 0);
}

static void windows(void)
{
    struct abi_window w = {.workload = "hostile_calls"};

    expect("a window's end before its begin", hyper_call(ABI_WINDOW_END, (uintptr_t)&w, 0),
           -EINVAL);
    expect("a window", hyper_call(ABI_WINDOW_BEGIN, 0, 0), 0);
    expect("a window in a window", hyper_call(ABI_WINDOW_BEGIN, 0, 0), -EBUSY);
    bad_pointers(ABI_WINDOW_END, sizeof(w), "a window outside RAM");
    /* No end to the name, quotes and control characters in it: it must not spoil the record. */
    for (unsigned i = 0; i < sizeof(w.workload); i++)
        w.workload[i] = "\"\n\\{}x\x01\xff"[i % 8];
    int64_t error = hyper_call(ABI_WINDOW_END, (uintptr_t)&w, 0);
    if (error != 0 && error != -EINVAL)
        fail("hostile_calls: a window with a wild name: got %d, not 0 or %d", (int)error, -EINVAL);
    figures();
}

static void numbers(void)
{
    expect("call 0", hyper_call(ABI_NULL, 0, 0), 0);
    expect("the first unknown call", hyper_call(ABI_HYPERCALLS, 0, 0), -ENOSYS);
    expect("call 2^32", hyper_call(1ULL << 32, 0, 0), -ENOSYS);
    expect("call 2^64 - 1", hyper_call(UINT64_MAX, 0, 0), -ENOSYS);
    expect("waiting for the past", hyper_call(ABI_WAIT_UNTIL, 0, 0), 0);
    for (uint64_t i = 0; i < args_number("rounds", 1000); i++) {
        uint64_t number = ABI_HYPERCALLS + random_next();
        hyper_heartbeat();
        expect("a random unknown call", hyper_call(number, random_next(), random_next()), -ENOSYS);
    }
}

/* They are for work=calibrate alone. */
static void calibration(void)
{
    expect("a page to calibrate with", hyper_call(ABI_CALIBRATE_PAGE, 0, 0), -EPERM);
    expect("a calibration's end", hyper_call(ABI_CALIBRATE_END, boot->heap_base, 0), -EPERM);
}

static int run(void)
{
    numbers();
    console();
    windows();
    calibration();
    return 0;
}

const struct workload hostile_calls = {"hostile_calls", run};

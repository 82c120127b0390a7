/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include "drivers/uart.h"
#include "kernel/log.h"
#include "kernel/spinlock.h"
#include "lib/crc32.h"
#include "lib/fmt.h"

#define LINE_BYTES 512
#define LOCK_US    1000000 /* a long line of every CPU at 115,200 baud */
#define DUMP_BYTES 16      /* a line */

static const char *const level_names[] = {"error", "warn", "info", "debug"};
static enum log_level level_shown = LOG_INFO;
static struct spinlock console;
static bool status_shown;

void log_set_level(enum log_level level)
{
    level_shown = level;
}

int log_level_find(const char *name, enum log_level *level)
{
    for (unsigned i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *level = (enum log_level)i;
            return 0;
        }
    }
    return -EINVAL;
}

static void put(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] == '\n')
            uart_put('\r');
        uart_put((uint8_t)text[i]);
    }
}

/* Back to the line's begin, and empty: so that it is found in a log as well, it is written the same
 * way before each status line and each line that takes its place. */
#define ERASE "\r\x1b[K"

static void erase_status(void)
{
    if (status_shown)
        put(ERASE, sizeof(ERASE) - 1);
    status_shown = false;
}

/* Interrupts stay off meanwhile: a handler that logs would wait for its own CPU. Whoever holds the
 * console past the deadline has died holding it, and the text matters more. */
static uint64_t console_take(bool *locked)
{
    uint64_t flags = interrupts_save();

    *locked = spin_lock_us(&console, LOCK_US);
    return flags;
}

static void console_release(uint64_t flags, bool locked)
{
    if (locked)
        spin_unlock(&console);
    interrupts_restore(flags);
}

void log_write(const char *text, size_t bytes)
{
    bool locked;
    uint64_t flags = console_take(&locked);

    erase_status();
    put(text, bytes);
    console_release(flags, locked);
}

void log_line(enum log_level level, const char *module, const char *format, ...)
{
    char line[LINE_BYTES];
    uint64_t us = time_us();
    va_list args;
    size_t n;

    if (level > level_shown)
        return;
    n = (size_t)fmt_snprintf(line, sizeof(line), "[%5lu.%06lu] %s %s: ", us / 1000000, us % 1000000,
                             level_names[level], module);
    va_start(args, format);
    n += (size_t)fmt_vsnprintf(line + n, sizeof(line) - n, format, args);
    va_end(args);
    if (n > sizeof(line) - 2)
        n = sizeof(line) - 2;
    line[n] = '\n';
    log_write(line, n + 1);
}

void log_record(const char *body)
{
    char end[24];
    size_t bytes = strlen(body);
    int n = fmt_snprintf(end, sizeof(end), ",\"crc\":\"%08x\"}\n", crc32(body, bytes));
    bool locked;
    uint64_t flags = console_take(&locked);

    erase_status();
    put(body, bytes);
    put(end, (size_t)n);
    console_release(flags, locked);
}

void log_status(const char *text)
{
    bool locked;
    uint64_t flags = console_take(&locked);

    erase_status();
    if (text != NULL) {
        put(ERASE, sizeof(ERASE) - 1);
        put(text, strlen(text));
        status_shown = true;
    }
    console_release(flags, locked);
}

int log_get(void)
{
    bool locked;
    uint64_t flags = console_take(&locked);
    int byte = uart_get();

    console_release(flags, locked);
    return byte;
}

void log_dump(const char *module, const void *data, size_t bytes)
{
    const uint8_t *p = data;

    for (size_t at = 0; at < bytes; at += DUMP_BYTES) {
        char hex[3 * DUMP_BYTES + 1] = "", text[DUMP_BYTES + 1] = "";

        for (size_t i = 0; i < DUMP_BYTES && at + i < bytes; i++) {
            uint8_t byte = p[at + i];

            fmt_snprintf(hex + 3 * i, 4, " %02x", byte);
            text[i] = byte >= ' ' && byte <= '~' ? (char)byte : '.';
        }
        log_error(module, "%04zx:%-48s  %s", at, hex, text);
    }
}

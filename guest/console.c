/* SPDX-License-Identifier: MIT */
#include "guest/console.h"

#include <stdarg.h>
#include <stddef.h>
#include "guest/hyper.h"
#include "lib/fmt.h"

static void write_line(const char *format, va_list args)
{
    char line[500];
    int length = fmt_vsnprintf(line, sizeof(line) - 1, format, args);
    size_t bytes = (size_t)length < sizeof(line) - 1 ? (size_t)length : sizeof(line) - 2;

    line[bytes++] = '\n';
    hyper_call(ABI_CONSOLE_WRITE, (uintptr_t)line, bytes);
}

void say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    write_line(format, args);
    va_end(args);
}

_Noreturn void fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    write_line(format, args);
    va_end(args);
    hyper_exit(1);
}

/* SPDX-License-Identifier: MIT */
/* The console and the machine's ways out, for what only sets them. */
#include <errno.h>
#include <string.h>
#include "drivers/uart.h"
#include "kernel/log.h"
#include "kernel/panic.h"

int uart_init(uint16_t port, uint32_t baud, const char *format)
{
    (void)format;
    return port == 0x3f8 && baud <= 115200 ? 0 : -ENODEV;
}

void log_set_level(enum log_level level)
{
    (void)level;
}

int log_level_find(const char *name, enum log_level *level)
{
    *level = LOG_INFO;
    return strcmp(name, "info") == 0 ? 0 : -EINVAL;
}

void log_line(enum log_level level, const char *module, const char *format, ...)
{
    (void)level;
    (void)module;
    (void)format;
}

int machine_exit_set(const char *how)
{
    return strcmp(how, "halt") == 0 ? 0 : -EINVAL;
}

/* SPDX-License-Identifier: MIT */
/* The console: lines "[seconds] level module: text", and raw lines for records. */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

#include <stdarg.h>
#include <stddef.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_set_level(enum log_level level);
/* -EINVAL for a name that is none of error, warn, info, debug. */
int log_level_find(const char *name, enum log_level *level);

void log_line(enum log_level level, const char *module, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(module, ...) log_line(LOG_ERROR, module, __VA_ARGS__)
#define log_warn(module, ...)  log_line(LOG_WARN, module, __VA_ARGS__)
#define log_info(module, ...)  log_line(LOG_INFO, module, __VA_ARGS__)
#define log_debug(module, ...) log_line(LOG_DEBUG, module, __VA_ARGS__)

/* Bytes as they are, to the console, save that a line's end is CR LF, as terminals want it. */
void log_write(const char *text, size_t bytes);

/*
 * Prints a result record: body is a JSON object without its closing brace; adds ,"crc":"xxxxxxxx"}
 * with the CRC-32 of the bytes before
 * ,"crc". Never filtered by level.
 */
void log_record(const char *body);

/* One line that stays the last of the console, until the next one or NULL replaces it: what is
 * written meanwhile takes its place on the screen. */
void log_status(const char *text);

/* The next byte typed on the console, or uart_get's error. */
int log_get(void);

/* A hex dump of a table, for errors that name it. */
void log_dump(const char *module, const void *data, size_t bytes);

#endif

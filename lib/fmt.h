/* SPDX-License-Identifier: MIT */
/* Formatting without an allocator: %d %i %u %x %X %p %s %c %% with h, hh, l, ll, z, width,
 * precision for %s, and the flags 0 and -. Shared by the hypervisor and the guest. */
#ifndef LIB_FMT_H
#define LIB_FMT_H

#include <stdarg.h>
#include <stddef.h>

/* Writes at most size bytes including the final 0; returns the length the whole text has. */
int fmt_vsnprintf(char *to, size_t size, const char *format, va_list args);
int fmt_snprintf(char *to, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif

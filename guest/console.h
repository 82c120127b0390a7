/* SPDX-License-Identifier: MIT */
#ifndef GUEST_CONSOLE_H
#define GUEST_CONSOLE_H

/* One line to the hypervisor's console; the newline is added. Cut at 500 bytes. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says it and ends the guest with status 1. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif

/* SPDX-License-Identifier: MIT */
/* The guest's text on the console, each line behind the hypervisor's own head: nothing the guest
 * writes can look like a line or a record of the hypervisor's. */
#include <errno.h>
#include "kernel/log.h"
#include "kernel/mem.h"
#include "kernel/vm_parts.h"

#define LINE_BYTES 200
#define LINES      64 /* a call: the console is slow, and the call's work is bounded */

static bool is_printable(char c)
{
    return c >= ' ' && c <= '~';
}

/* Copies up to a line's end, cut to size; returns the bytes taken, the end itself included. */
static uint64_t take_line(const char *text, uint64_t bytes, char line[LINE_BYTES + 1])
{
    uint64_t n = 0, length = 0;

    guest_access_begin();
    while (n < bytes && length < LINE_BYTES) {
        char c = *(const volatile char *)&text[n++];

        if (c == '\n')
            break;
        if (c != '\r')
            line[length++] = is_printable(c) ? c : '?';
    }
    guest_access_end();
    line[length] = 0;
    return n;
}

int64_t vm_console_write(struct vm *vm, gpa_t text, uint64_t bytes)
{
    char line[LINE_BYTES + 1];
    const char *from;
    uint64_t taken = 0;

    if (bytes > ABI_CONSOLE_MAX)
        return -E2BIG;
    from = vm_ram(vm, text, bytes);
    if (!from)
        return -EFAULT;
    for (unsigned i = 0; i < LINES && taken < bytes; i++) {
        taken += take_line(from + taken, bytes - taken, line);
        log_info("guest", "%s", line);
    }
    return (int64_t)taken;
}

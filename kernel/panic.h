/* SPDX-License-Identifier: MIT */
/* The end of the line: says why, shows where, leaves with a code of its own. */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <stdint.h>
#include <stdnoreturn.h>

/* Values written to the exit device (exit=qemu); QEMU's status is (value << 1) | 1. */
enum exit_code {
    EXIT_OK = 0x10,          /* 33: every case ran and held */
    EXIT_REFUSED = 0x11,     /* 35: bad input or missing hardware, said in words */
    EXIT_CASE_FAILED = 0x12, /* 37: a guest crashed, hung, or a case did not hold */
    EXIT_PANIC = 0x13,       /* 39: the hypervisor itself failed */
};

/* Leaves as exit= says: qemu (isa-debug-exit at 0xf4), bochs (its port 0x8900), reboot, or halt,
 * the default. Waits for the console to drain. */
noreturn void machine_exit(enum exit_code code);
/* how: "qemu", "bochs", "reboot", "halt". -EINVAL. */
int machine_exit_set(const char *how);

/* Registers, reason and a symbolised backtrace on the console, then machine_exit(EXIT_PANIC). */
noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same for an exception that nothing serves; reason and registers are the frame's. */
struct trap_frame;
noreturn void panic_trap(const struct trap_frame *frame);

#define ASSERT(condition) \
    ((condition) ? (void)0 : panic("%s:%d: %s does not hold", __FILE__, __LINE__, #condition))

/* The function that holds address and the offset in it, from the image's own symbol table; NULL
 * when none does. */
const char *symbol_find(uint64_t address, uint64_t *offset);

#endif

/* SPDX-License-Identifier: MIT */
/* A CPU's stacks: one for its work, one each for the exceptions that must not trust it. */
#ifndef KERNEL_STACK_H
#define KERNEL_STACK_H

#include <stdint.h>
#include "kernel/addr.h"

#define STACK_BYTES (32 * 1024)

enum cpu_stack { STACK_MAIN, STACK_DOUBLE_FAULT, STACK_NMI, STACK_MACHINE_CHECK, BOOT_STACKS };

/* The boot CPU's, reserved by boot/entry.asm. */
struct guarded_stack {
    uint8_t guard[PAGE_SIZE];
    uint8_t bytes[STACK_BYTES];
};

#endif

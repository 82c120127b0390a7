/* SPDX-License-Identifier: MIT */
/* Where linker.ld put things. Addresses only: the arrays are never indexed. */
#ifndef KERNEL_LAYOUT_H
#define KERNEL_LAYOUT_H

#include "kernel/stack.h"

extern const char image_start[], text_end[];
extern const char rodata_start[];
extern char data_start[], stacks_start[], image_end[];

extern struct guarded_stack boot_stacks[BOOT_STACKS];

#endif

/* SPDX-License-Identifier: MIT */
/* The value of guest=: names of where guests run, and key=value for the guest itself, in one list.
 * Pure. */
#ifndef KERNEL_OPTIONS_GUEST_H
#define KERNEL_OPTIONS_GUEST_H

#include <stddef.h>

#define GUEST_WORD 512 /* no word of the command line is longer */

/* names: those in value, separated by commas. arguments: the pairs in value, then of those that
 * were there before the ones that are not said anew. -E2BIG, with arguments as they were. */
int options_guest(const char *value, char names[GUEST_WORD], char *arguments, size_t size);

#endif

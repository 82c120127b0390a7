/* SPDX-License-Identifier: MIT */
/* In the place of libbsd's own, which would bring in libc's: <bsd/sys/tree.h> includes it and needs
 * nothing of it. */

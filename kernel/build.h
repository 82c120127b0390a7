/* SPDX-License-Identifier: MIT */
/* Which sources the image was made from; the Makefile writes it. */
#ifndef KERNEL_BUILD_H
#define KERNEL_BUILD_H

/* "1a2b3c4d5e6f", "1a2b3c4d5e6f-dirty" with changes on top, "unknown" outside of git. */
extern const char build_commit[];

#endif

/* SPDX-License-Identifier: MIT */
/* Debian's libbsd-dev: macros only. By its full name, so that the freestanding build does not see
 * the rest of /usr/include. */
#ifndef LIB_BSD_SYS_TREE_H
#define LIB_BSD_SYS_TREE_H

#include "/usr/include/bsd/sys/tree.h"

#endif

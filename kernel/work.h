/* SPDX-License-Identifier: MIT */
/* One name of work=: NAME or NAME:KEY=VALUE:KEY=VALUE, the workload's own arguments. Pure. */
#ifndef KERNEL_WORK_H
#define KERNEL_WORK_H

#include <stdbool.h>

/* Names and arguments go into records as they are, so only letters that need no escaping are right.
 */
bool work_is_right(const char *text);

/* Of text that is right: cuts it to its name. Returns the arguments behind that, which have
 * become "KEY=VALUE,KEY=VALUE" as the guest reads them; NULL without any. */
char *work_split(char *text);

#endif

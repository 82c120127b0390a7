/* SPDX-License-Identifier: MIT */
#ifndef GUEST_FAR_H
#define GUEST_FAR_H

#include <stdint.h>

/* Where address, which the tables that the guest started with need not have, can be reached: by a
 * page of 1 GiB of the guest's own. Once in a guest's life. */
volatile uint64_t *far_at(uint64_t address);

#endif

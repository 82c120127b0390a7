/* SPDX-License-Identifier: MIT */
/* The hypercalls of kernel/abi.h as functions, and the boot structure. */
#ifndef GUEST_HYPER_H
#define GUEST_HYPER_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/abi.h"

/* Set once at start; everything the hypervisor told. */
extern const struct abi_boot *boot;

/* False when the structure is not one of our version: then there is nobody to talk to. */
bool hyper_init(const struct abi_boot *from_hypervisor);

int64_t hyper_call(uint64_t number, uint64_t first, uint64_t second);
_Noreturn void hyper_exit(uint64_t status);

/* The hypervisor's watchdog wants to see this at least every deadline=. */
void hyper_heartbeat(void);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef GUEST_LOAD64_H
#define GUEST_LOAD64_H

#include <stdint.h>

/* Eight bytes, aligned or not. The builtin: in a freestanding build memcpy() is always a call. */
static inline uint64_t load64(const uint8_t *from)
{
    uint64_t value;

    __builtin_memcpy(&value, from, sizeof(value));
    return value;
}

#endif

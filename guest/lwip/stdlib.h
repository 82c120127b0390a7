/* SPDX-License-Identifier: MIT */
/* All of <stdlib.h> that lwIP uses here: it reads the number in an interface's name with atoi(). */
#ifndef GUEST_LWIP_STDLIB_H
#define GUEST_LWIP_STDLIB_H

static inline int atoi(const char *text)
{
    int value = 0;

    for (; *text >= '0' && *text <= '9'; text++)
        value = 10 * value + (*text - '0');
    return value;
}

#endif

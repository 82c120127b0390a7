/* SPDX-License-Identifier: MIT */
/* cmocka with all that its header wants before it, and what most tests check with. */
#ifndef TESTS_HOST_UNIT_H
#define TESTS_HOST_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* An error text must say what is wrong: each of these words. */
#define assert_says(text, words)                                 \
    do {                                                         \
        if (strstr((text), (words)) == NULL)                     \
            fail_msg("\"%s\" does not say \"%s\"", text, words); \
    } while (0)

#endif

/* SPDX-License-Identifier: MIT */
/* guest=: names of where guests run, and key=value for the guest itself, in one comma-separated
 * list. Either kind that a word has takes the place of what an earlier word has said of that kind.
 */
#include <errno.h>
#include <string.h>
#include "kernel/options.h"

static const char *const names[] = {[false] = "vm", [true] = "native"};

const char *guest_name(bool native)
{
    return names[native];
}

struct pieces {
    struct options *out;
    uint32_t guests;
    size_t used; /* bytes of out->guest */
};

static int add_where(struct pieces *p, const char *piece, size_t length)
{
    for (unsigned native = 0; native < 2; native++) {
        if (strlen(names[native]) != length || memcmp(names[native], piece, length) != 0)
            continue;
        if (p->guests == OPTIONS_LIST)
            return -E2BIG;
        p->out->native[p->guests++] = native;
        return 0;
    }
    return -EINVAL;
}

static int add_argument(struct pieces *p, const char *piece, size_t length)
{
    char *to = p->out->guest + p->used;
    size_t comma = p->used ? 1 : 0;

    if (p->used + comma + length >= sizeof p->out->guest)
        return -E2BIG;
    if (comma)
        *to++ = ',';
    memcpy(to, piece, length);
    to[length] = 0;
    p->used += comma + length;
    return 0;
}

int options_guest(struct options *out, const char *value)
{
    struct pieces p = {.out = out};

    for (;; value++) {
        size_t length = 0;
        bool is_argument = false;
        int error;

        for (; value[length] != 0 && value[length] != ','; length++)
            is_argument |= value[length] == '=';
        error = is_argument ? add_argument(&p, value, length) : add_where(&p, value, length);
        if (error)
            return error;
        value += length;
        if (*value == 0)
            break;
    }
    if (p.guests)
        out->guests = p.guests;
    return 0;
}

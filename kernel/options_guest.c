/* SPDX-License-Identifier: MIT */
#include "kernel/options_guest.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "kernel/cmdline.h"
#include "lib/fmt.h"

/* Whether one of the key=value pairs of list has the key of this one. */
static bool has_key(const char *list, const char *pair)
{
    char other[GUEST_WORD];
    const char *end = strchr(pair, '=');
    size_t length = end ? (size_t)(end - pair) + 1 : strlen(pair) + 1;

    for (unsigned i = 0; cmdline_piece(list, i, other, sizeof other); i++)
        if (strncmp(other, pair, length) == 0)
            return true;
    return false;
}

static void append(char *list, size_t size, const char *piece)
{
    size_t used = strlen(list);

    fmt_snprintf(list + used, size - used, "%s%s", used ? "," : "", piece);
}

int options_guest(const char *value, char names[GUEST_WORD], char *arguments, size_t size)
{
    char piece[GUEST_WORD], merged[2 * GUEST_WORD] = "";

    names[0] = 0;
    for (unsigned i = 0; cmdline_piece(value, i, piece, sizeof piece); i++)
        if (strchr(piece, '='))
            append(merged, sizeof merged, piece);
        else
            append(names, GUEST_WORD, piece);
    for (unsigned i = 0; cmdline_piece(arguments, i, piece, sizeof piece); i++)
        if (!has_key(value, piece))
            append(merged, sizeof merged, piece);
    if (strlen(merged) >= size)
        return -E2BIG;
    memcpy(arguments, merged, strlen(merged) + 1);
    return 0;
}

/* SPDX-License-Identifier: MIT */
#include "kernel/work.h"

#include <stdbool.h>
#include <string.h>

static bool is_in_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_in_value(char c)
{
    return is_in_name(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '/';
}

/* The end of one KEY=VALUE; NULL when it is none. */
static const char *end_of_argument(const char *text)
{
    const char *at = text;

    while (is_in_name(*at))
        at++;
    if (at == text || *at++ != '=' || !is_in_value(*at))
        return NULL;
    while (is_in_value(*at))
        at++;
    return *at == 0 || *at == ':' ? at : NULL;
}

const char *work_error(const char *text)
{
    const char *at = text;

    while (is_in_name(*at))
        at++;
    if (at == text || (*at != 0 && *at != ':'))
        return "a workload's name has a-z, 0-9 and _ only";
    while (at && *at == ':')
        at = end_of_argument(at + 1);
    return at ? NULL
              : "behind a colon comes KEY=VALUE of letters, digits and _ . / alone, as in "
                "tcp_rx:msg=64:bytes=8M";
}

char *work_split(char *text)
{
    char *args = strchr(text, ':');

    if (!args)
        return NULL;
    *args++ = 0;
    for (char *c = strchr(args, ':'); c; c = strchr(c, ':'))
        *c = ',';
    return args;
}

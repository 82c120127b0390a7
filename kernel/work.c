/* SPDX-License-Identifier: MIT */
#include "kernel/work.h"

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

bool work_is_right(const char *text)
{
    const char *at = text;

    while (is_in_name(*at))
        at++;
    if (at == text)
        return false;
    while (at && *at == ':')
        at = end_of_argument(at + 1);
    return at && *at == 0;
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

/* SPDX-License-Identifier: MIT */
#include "guest/args.h"

#include <stdbool.h>
#include <string.h>
#include "guest/console.h"
#include "guest/hyper.h"

/* Where key's value starts, NULL without one. */
static const char *find(const char *key)
{
    size_t length = strlen(key);

    for (const char *at = boot->args; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, key, length) == 0 && at[length] == '=')
            return at + length + 1;
    }
    return NULL;
}

void args_text(const char *key, const char *otherwise, char *to, size_t size)
{
    const char *value = find(key);
    size_t length = 0;

    if (!value)
        value = otherwise;
    while (value[length] && value[length] != ',' && length < size - 1)
        length++;
    memcpy(to, value, length);
    to[length] = 0;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

static unsigned shift_of(const char *suffix)
{
    static const char units[] = "KMG";
    const char *unit = *suffix ? strchr(units, *suffix) : NULL;

    return unit && !suffix[1] ? 10 * (unsigned)(unit - units + 1) : 0;
}

/* False when text is no number or one of more than 64 bits. */
static bool parse(const char *text, uint64_t *value)
{
    bool hex = text[0] == '0' && text[1] == 'x';
    const char *digits = hex ? text + 2 : text, *at = digits;
    int base = hex ? 16 : 10;

    *value = 0;
    for (; digit_of(*at) < base; at++) {
        if (__builtin_mul_overflow(*value, (uint64_t)base, value) ||
            __builtin_add_overflow(*value, (uint64_t)digit_of(*at), value))
            return false;
    }
    unsigned shift = shift_of(at);
    if (at == digits || (*at && !shift))
        return false;
    return !__builtin_mul_overflow(*value, 1ULL << shift, value);
}

uint64_t args_number(const char *key, uint64_t otherwise)
{
    char text[32];
    uint64_t value;

    if (!find(key))
        return otherwise;
    args_text(key, "", text, sizeof(text));
    if (!parse(text, &value))
        fail("argument %s=%s is not a number: digits, or 0x and hex digits, then K, M or G", key,
             text);
    return value;
}

/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "lib/fmt.h"

struct sink {
    char *to;
    size_t size, length; /* length is the whole text's, whatever fits */
};

struct spec {
    bool zero, left, upper, negative;
    unsigned base;
    int width, precision; /* precision -1: none */
    const char *prefix;
};

static void put(struct sink *out, char c)
{
    if (out->length + 1 < out->size)
        out->to[out->length] = c;
    out->length++;
}

static void put_text(struct sink *out, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put(out, text[i]);
}

static void pad(struct sink *out, char c, int n)
{
    while (n-- > 0)
        put(out, c);
}

static void put_padded(struct sink *out, const struct spec *spec, const char *text, size_t n)
{
    int room = spec->width - (int)n;

    if (!spec->left)
        pad(out, ' ', room);
    put_text(out, text, n);
    if (spec->left)
        pad(out, ' ', room);
}

static void put_number(struct sink *out, const struct spec *spec, uint64_t value)
{
    const char *digits = spec->upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[20]; /* the longest is 2^64 - 1 in base 10 */
    size_t n = 0;
    size_t extra = strlen(spec->prefix) + (spec->negative ? 1 : 0);
    int room;

    do {
        text[sizeof(text) - ++n] = digits[value % spec->base];
        value /= spec->base;
    } while (value != 0);
    room = spec->width - (int)(n + extra);
    if (!spec->left && !spec->zero)
        pad(out, ' ', room);
    if (spec->negative)
        put(out, '-');
    put_text(out, spec->prefix, strlen(spec->prefix));
    if (!spec->left && spec->zero)
        pad(out, '0', room);
    put_text(out, text + sizeof(text) - n, n);
    if (spec->left)
        pad(out, ' ', room);
}

/* A width or precision: digits, or '*' for an argument. */
static const char *read_count(const char *p, va_list *args, int *count)
{
    if (*p == '*') {
        *count = va_arg(*args, int);
        return p + 1;
    }
    for (*count = 0; *p >= '0' && *p <= '9'; p++)
        *count = *count * 10 + (*p - '0');
    return p;
}

static const char *read_spec(const char *p, va_list *args, struct spec *spec)
{
    *spec = (struct spec){.base = 10, .precision = -1, .prefix = ""};
    for (; *p == '0' || *p == '-'; p++) {
        spec->zero |= *p == '0';
        spec->left |= *p == '-';
    }
    p = read_count(p, args, &spec->width);
    if (spec->width < 0) {
        spec->left = true;
        spec->width = -spec->width;
    }
    if (*p == '.')
        p = read_count(p + 1, args, &spec->precision);
    return p;
}

/* h and hh narrow, l, ll and z widen to 64 bits: returns the argument's bytes. */
static const char *read_length(const char *p, unsigned *bytes)
{
    *bytes = 4;
    for (; *p == 'h'; p++)
        *bytes /= 2;
    for (; *p == 'l' || *p == 'z'; p++)
        *bytes = 8;
    return p;
}

static void put_signed(struct sink *out, struct spec *spec, va_list *args, unsigned bytes)
{
    int64_t value = bytes == 8 ? va_arg(*args, int64_t) : va_arg(*args, int);

    if (bytes == 2)
        value = (int16_t)value;
    else if (bytes == 1)
        value = (int8_t)value;
    spec->negative = value < 0;
    put_number(out, spec, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

static void put_unsigned(struct sink *out, struct spec *spec, va_list *args, unsigned bytes)
{
    uint64_t value = bytes == 8 ? va_arg(*args, uint64_t) : va_arg(*args, unsigned);

    if (bytes == 2)
        value = (uint16_t)value;
    else if (bytes == 1)
        value = (uint8_t)value;
    put_number(out, spec, value);
}

static void put_string(struct sink *out, const struct spec *spec, const char *text)
{
    if (text == NULL)
        text = "(null)";
    put_padded(out, spec, text,
               spec->precision < 0 ? strlen(text) : strnlen(text, (size_t)spec->precision));
}

static void put_conversion(struct sink *out, struct spec *spec, char conversion, unsigned bytes,
                           va_list *args)
{
    char c;

    switch (conversion) {
    case 'd':
    case 'i':
        put_signed(out, spec, args, bytes);
        break;
    case 'X':
    case 'x':
        spec->upper = conversion == 'X';
        spec->base = 16;
        put_unsigned(out, spec, args, bytes);
        break;
    case 'u':
        put_unsigned(out, spec, args, bytes);
        break;
    case 'p':
        spec->base = 16;
        spec->prefix = "0x";
        put_number(out, spec, (uintptr_t)va_arg(*args, void *));
        break;
    case 's':
        put_string(out, spec, va_arg(*args, const char *));
        break;
    case 'c':
        c = (char)va_arg(*args, int);
        put_padded(out, spec, &c, 1);
        break;
    default: /* '%', or what the compiler's format check would have refused */
        put(out, conversion);
    }
}

int fmt_vsnprintf(char *to, size_t size, const char *format, va_list args)
{
    struct sink out = {to, size, 0};
    struct spec spec;
    unsigned bytes;
    va_list rest; /* a va_list parameter may be an array: only a local one has an address to pass */

    va_copy(rest, args);
    for (const char *p = format; *p != 0; p++) {
        if (*p != '%') {
            put(&out, *p);
            continue;
        }
        p = read_spec(p + 1, &rest, &spec);
        p = read_length(p, &bytes);
        if (*p == 0)
            break;
        put_conversion(&out, &spec, *p, bytes, &rest);
    }
    va_end(rest);
    if (size > 0)
        to[out.length < size ? out.length : size - 1] = 0;
    return (int)out.length;
}

int fmt_snprintf(char *to, size_t size, const char *format, ...)
{
    va_list args;
    int length;

    va_start(args, format);
    length = fmt_vsnprintf(to, size, format, args);
    va_end(args);
    return length;
}

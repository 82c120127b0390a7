/* SPDX-License-Identifier: MIT */
#include "guest/http_request.h"

#include <string.h>

size_t http_request_length(const char *text, size_t bytes)
{
    for (size_t end = 4; end <= bytes; end++) {
        if (memcmp(text + end - 4, "\r\n\r\n", 4) == 0)
            return end;
    }
    return 0;
}

static bool same_ignoring_case(const char *text, const char *lower, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] | 0x20) : text[i];
        if (c != lower[i])
            return false;
    }
    return true;
}

/* Behind the first place that reads lower; NULL without one. */
static const char *find(const char *text, size_t length, const char *lower)
{
    size_t n = strlen(lower);

    for (size_t i = 0; i + n <= length; i++) {
        if (same_ignoring_case(text + i, lower, n))
            return text + i + n;
    }
    return NULL;
}

static bool contains(const char *text, size_t length, const char *lower)
{
    return find(text, length, lower) != NULL;
}

static bool is_token(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
}

/* METHOD SP PATH SP HTTP/1.x CR LF. */
unsigned http_refusal(const char *request, size_t length)
{
    const char *end = request + length, *at = request;

    while (at < end && is_token(*at))
        at++;
    size_t method = (size_t)(at - request);
    if (method == 0 || end - at < 2 || at[0] != ' ' || at[1] != '/')
        return 400;
    for (at++; at<end && * at> ' ' && *at < 0x7f; at++)
        ;
    if (end - at < 11 || memcmp(at, " HTTP/1.", 8) != 0 || (at[8] != '0' && at[8] != '1') ||
        at[9] != '\r' || at[10] != '\n')
        return 400;
    return method == 3 && memcmp(request, "GET", 3) == 0 ? 0 : 405;
}

/* HTTP/1.1 keeps the connection unless told otherwise, HTTP/1.0 only when asked (RFC 9112 section
 * 9.3). */
bool http_is_kept(const char *request, size_t length)
{
    if (contains(request, length, "connection: close"))
        return false;
    return contains(request, length, " http/1.1\r\n") ||
           contains(request, length, "connection: keep-alive");
}

void http_path(const char *request, size_t length, char *path, size_t size)
{
    size_t at = strlen("GET "), n = 0;

    if (length > at && memcmp(request, "GET ", at) == 0) {
        for (; at < length && request[at] > ' ' && n < size - 1; at++)
            path[n++] = request[at];
    }
    path[n] = 0;
}

/* Digits at *at, which moves behind them; false without any, or for a number that is too large. */
static bool take_number(const char **at, const char *end, uint64_t *value)
{
    const char *start = *at;

    *value = 0;
    for (; *at < end && **at >= '0' && **at <= '9'; ++*at) {
        if (__builtin_mul_overflow(*value, 10u, value) ||
            __builtin_add_overflow(*value, (uint64_t)(**at - '0'), value))
            return false;
    }
    return *at > start;
}

/* "-N": the last N bytes. */
static enum http_range suffix(uint64_t n, uint64_t bytes, uint64_t *first, uint64_t *count)
{
    if (n == 0)
        return HTTP_BEYOND;
    *count = n < bytes ? n : bytes;
    *first = bytes - *count;
    return HTTP_PART;
}

enum http_range http_range_of(const char *request, size_t length, uint64_t bytes, uint64_t *first,
                              uint64_t *count)
{
    const char *end = request + length, *at = find(request, length, "\r\nrange: bytes=");
    uint64_t last = bytes - 1;
    bool has_first, has_last;

    if (!at)
        return HTTP_WHOLE;
    has_first = take_number(&at, end, first);
    if (at == end || *at++ != '-')
        return HTTP_WHOLE;
    has_last = at < end && *at != '\r';
    if ((has_last && !take_number(&at, end, &last)) || at == end || *at != '\r')
        return HTTP_WHOLE;
    if (!has_first)
        return has_last ? suffix(last, bytes, first, count) : HTTP_WHOLE;
    if (last < *first && has_last)
        return HTTP_WHOLE;
    if (*first >= bytes)
        return HTTP_BEYOND;
    *count = (last < bytes ? last + 1 : bytes) - *first;
    return HTTP_PART;
}

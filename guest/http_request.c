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

static bool contains(const char *text, size_t length, const char *lower)
{
    size_t n = strlen(lower);

    for (size_t i = 0; i + n <= length; i++) {
        if (same_ignoring_case(text + i, lower, n))
            return true;
    }
    return false;
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

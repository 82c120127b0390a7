/* SPDX-License-Identifier: MIT */
/* As much of HTTP/1.1 (RFC 9110, RFC 9112) as a server of fixed pages has to read. Pure. */
#ifndef GUEST_HTTP_REQUEST_H
#define GUEST_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the first whole request in text, without a body; 0 when its end has not come. */
size_t http_request_length(const char *text, size_t bytes);

/* Of one whole request: 0 for a GET; else the status it has to be answered with, 400 for what is no
 * request and 405 for another method. Either leaves the connection unusable. */
unsigned http_refusal(const char *request, size_t length);

/* Of one whole request: whether the connection stays open after the answer. */
bool http_is_kept(const char *request, size_t length);

/* The path of a GET, cut to size; "" for any other method. */
void http_path(const char *request, size_t length, char *path, size_t size);

enum http_range { HTTP_WHOLE, HTTP_PART, HTTP_BEYOND };

/* Which of the page's bytes are asked for (RFC 9110 section 14.2); bytes > 0. HTTP_PART: *count of
 * them from *first on, inside the page. HTTP_WHOLE: no range, more than one, or none that makes
 * sense. HTTP_BEYOND: not one byte of it is there. */
enum http_range http_range_of(const char *request, size_t length, uint64_t bytes, uint64_t *first,
                              uint64_t *count);

#endif

/* SPDX-License-Identifier: MIT */
/* As much of HTTP/1.1 (RFC 9112) as a server of fixed pages has to read. Pure. */
#ifndef GUEST_HTTP_REQUEST_H
#define GUEST_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the first whole request in text, without a body; 0 when its end has not come. */
size_t http_request_length(const char *text, size_t bytes);

/* Of one whole request: whether the connection stays open after the answer. */
bool http_is_kept(const char *request, size_t length);

/* The path of a GET, cut to size; "" for any other method. */
void http_path(const char *request, size_t length, char *path, size_t size);

#endif

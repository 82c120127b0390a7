/* SPDX-License-Identifier: MIT */
/* The guest's web server reads a request. */
#include <string.h>
#include "guest/http_request.h"
#include "tests/fuzz/fuzz.h"

static void read_one(const char *request, size_t length)
{
    uint64_t bytes = length * 37, first = 0, count = 0;
    unsigned refusal = http_refusal(request, length);
    char path[16];

    HOLDS(refusal == 0 || refusal == 400 || refusal == 405);
    HOLDS(refusal != 0 || memcmp(request, "GET /", 5) == 0);
    http_path(request, length, path, sizeof path);
    HOLDS(strlen(path) < sizeof path && (refusal != 0 || path[0] == '/'));
    if (http_range_of(request, length, bytes, &first, &count) == HTTP_PART)
        HOLDS(count > 0 && count <= bytes && first <= bytes - count);
    (void)http_is_kept(request, length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    char *text = malloc(bytes ? bytes : 1);
    size_t at = 0, length;

    HOLDS(text != NULL);
    memcpy(text, data, bytes);
    while ((length = http_request_length(text + at, bytes - at)) > 0) {
        HOLDS(length >= 4 && length <= bytes - at);
        read_one(text + at, length);
        at += length;
    }
    free(text);
    return 0;
}

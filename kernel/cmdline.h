/* SPDX-License-Identifier: MIT */
/*
 * The command line: words "key", "key=value", sub-options after commas ("com1=115200,8n1"), quotes
 * around values with blanks. Pure.
 */
#ifndef KERNEL_CMDLINE_H
#define KERNEL_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cmdline_option {
    const char *key;
    const char *help; /* one line: values and default */
};

/* Calls seen(key, value or NULL) for each word, in order; a key that is not in options (ended by a
 * NULL key) goes to unknown with the nearest known name, as cmdline_nearest finds it. The text is
 * copied; -E2BIG for a word over 511 bytes, -EINVAL for an open quote: the words before it were
 * called, so that the console they ask for shows the error. */
int cmdline_parse(const char *text, const struct cmdline_option *options,
                  void (*seen)(void *ctx, const char *key, const char *value),
                  void (*unknown)(void *ctx, const char *key, const char *nearest), void *ctx);

/* The index-th comma-separated piece of value into piece, cut to size; false when there is none.
 * Nothing, as in "key=", has no piece; "a,,b" has an empty one. */
bool cmdline_piece(const char *value, unsigned index, char *piece, size_t size);

/* "64", "64K", "64M", "1G", "0x1000": -EINVAL, -ERANGE. */
int cmdline_size(const char *value, uint64_t *bytes);
/* "64", "0x40". */
int cmdline_number(const char *value, uint64_t *number);

/* Of a NULL-terminated list, the name nearest to name, the first of equals; NULL when none is
 * within an edit distance of 3 that leaves at least one of its letters. */
const char *cmdline_nearest(const char *name, const char *const *names);

/*
 * A quota: "64M" (bytes, page multiple), "10%" of guest memory, "w50%" = floor + 50 % of (W -
 * floor), or "none".
 */
enum quota_kind { QUOTA_NONE, QUOTA_PAGES, QUOTA_PERCENT, QUOTA_WORKING_SET };

struct quota_spec {
    enum quota_kind kind;
    uint64_t value; /* pages or percent */
};

/* -EINVAL, also for 0 and for bytes that are no whole pages; -ERANGE. */
int quota_parse(const char *value, struct quota_spec *out);
/* In pages, shares rounded down; DMA_NO_QUOTA for none. -EINVAL: quota 0 or above memory, or W
 * unknown (0) for QUOTA_WORKING_SET; the floor is not checked here. */
int quota_resolve(struct quota_spec spec, uint64_t memory_pages, uint64_t floor,
                  uint64_t working_set, uint32_t *pages);

#endif

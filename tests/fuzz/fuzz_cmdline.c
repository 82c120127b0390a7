/* SPDX-License-Identifier: MIT */
/* The command line, and each value as the kinds of value there are. */
#include <errno.h>
#include <string.h>
#include "drivers/pci.h"
#include "kernel/cmdline.h"
#include "kernel/work.h"
#include "tests/fuzz/fuzz.h"

static const struct cmdline_option options[] = {{"com1", ""},     {"nic", ""}, {"quota", ""},
                                                {"strategy", ""}, {"mem", ""}, {NULL, NULL}};

static void use_quota(const char *text)
{
    struct quota_spec spec;
    uint32_t pages;

    if (quota_parse(text, &spec) != 0)
        return;
    HOLDS(spec.value != 0 || spec.kind == QUOTA_NONE || spec.kind == QUOTA_WORKING_SET);
    if (quota_resolve(spec, 16384, 100, 2000, &pages) == 0 && spec.kind != QUOTA_NONE)
        HOLDS(pages > 0 && pages <= 16384);
}

static void use_work(const char *piece)
{
    char copy[16];

    if (!work_is_right(piece))
        return;
    strcpy(copy, piece);
    const char *args = work_split(copy);
    HOLDS(copy[0] != 0 && strpbrk(copy, ":=,\"") == NULL);
    HOLDS(args == NULL || (strchr(args, '=') != NULL && strchr(args, ':') == NULL));
}

static void use_value(const char *value)
{
    char piece[16];
    uint64_t n;
    uint16_t segment;
    uint8_t bus, dev, fn;

    for (unsigned i = 0; cmdline_piece(value, i, piece, sizeof piece); i++) {
        HOLDS(strlen(piece) < sizeof piece && strchr(piece, ',') == NULL);
        (void)cmdline_size(piece, &n);
        (void)cmdline_number(piece, &n);
        use_quota(piece);
        use_work(piece);
        if (pci_parse_bdf(piece, &segment, &bus, &dev, &fn) == 0)
            HOLDS(dev < 32 && fn < 8);
    }
}

static void seen(void *ctx, const char *key, const char *value)
{
    HOLDS(strchr(key, '=') == NULL && strlen(key) < 512);
    ++*(size_t *)ctx;
    if (value != NULL)
        use_value(value);
}

static void unknown(void *ctx, const char *key, const char *nearest)
{
    seen(ctx, key, NULL);
    HOLDS(nearest == NULL || strlen(key) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    char *text = malloc(bytes + 1);
    size_t words = 0;

    HOLDS(text != NULL);
    memcpy(text, data, bytes);
    text[bytes] = 0;
    /* The words before one that is too long, or open, count. */
    int error = cmdline_parse(text, options, seen, unknown, &words);
    HOLDS(error == 0 || error == -E2BIG || error == -EINVAL);
    HOLDS(words <= bytes / 2 + 1);
    free(text);
    return 0;
}

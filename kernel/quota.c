/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include "kernel/addr.h"
#include "kernel/cmdline.h"
#include "kernel/dma/dma.h"

/* "N%" into spec. */
static int parse_percent(const char *value, struct quota_spec *out)
{
    char digits[24];
    size_t length = strlen(value);

    if (length == 0 || value[length - 1] != '%' || length > sizeof digits)
        return -EINVAL;
    memcpy(digits, value, length - 1);
    digits[length - 1] = 0;
    return cmdline_number(digits, &out->value);
}

static int parse_pages(const char *value, struct quota_spec *out)
{
    uint64_t bytes;
    int bad = cmdline_size(value, &bytes);

    if (bad == 0 && !is_aligned(bytes, PAGE_SIZE))
        bad = -EINVAL;
    if (bad == 0)
        out->value = bytes >> PAGE_SHIFT;
    return bad;
}

int quota_parse(const char *value, struct quota_spec *out)
{
    struct quota_spec spec = {QUOTA_PAGES, 0};
    int bad;

    if (strcmp(value, "none") == 0) {
        *out = (struct quota_spec){QUOTA_NONE, 0};
        return 0;
    }
    if (value[0] == 'w')
        spec.kind = QUOTA_WORKING_SET;
    else if (strchr(value, '%') != NULL)
        spec.kind = QUOTA_PERCENT;
    bad = spec.kind == QUOTA_WORKING_SET ? parse_percent(value + 1, &spec)
          : spec.kind == QUOTA_PERCENT   ? parse_percent(value, &spec)
                                         : parse_pages(value, &spec);
    /* w0% is the floor alone; 0 of the others is nothing at all. */
    if (bad == 0 && spec.value == 0 && spec.kind != QUOTA_WORKING_SET)
        bad = -EINVAL;
    if (bad == 0)
        *out = spec;
    return bad;
}

/* value % of whole, rounded down; UINT64_MAX where that overflows. */
static uint64_t percent(uint64_t value, uint64_t whole)
{
    uint64_t product;

    return __builtin_mul_overflow(value, whole, &product) ? UINT64_MAX : product / 100;
}

static uint64_t share_of_working_set(uint64_t value, uint64_t floor, uint64_t working_set)
{
    uint64_t share = working_set > floor ? percent(value, working_set - floor) : 0;

    return share > UINT64_MAX - floor ? UINT64_MAX : floor + share;
}

int quota_resolve(struct quota_spec spec, uint64_t memory_pages, uint64_t floor,
                  uint64_t working_set, uint32_t *pages)
{
    uint64_t n = 0;

    switch (spec.kind) {
    case QUOTA_NONE:
        *pages = DMA_NO_QUOTA;
        return 0;
    case QUOTA_PAGES:
        n = spec.value;
        break;
    case QUOTA_PERCENT:
        n = percent(spec.value, memory_pages);
        break;
    case QUOTA_WORKING_SET:
        if (working_set == 0)
            return -EINVAL;
        n = share_of_working_set(spec.value, floor, working_set);
        break;
    }
    /* DMA_NO_QUOTA is a number of pages, too, and must not come out of arithmetic. */
    if (n == 0 || n > memory_pages || n >= DMA_NO_QUOTA)
        return -EINVAL;
    *pages = (uint32_t)n;
    return 0;
}

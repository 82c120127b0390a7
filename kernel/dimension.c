/* SPDX-License-Identifier: MIT */
#include "kernel/dimension.h"

#include <errno.h>
#include <string.h>
#include "kernel/dma/evict.h"
#include "kernel/options_names.h"
#include "kernel/work.h"
#include "lib/fmt.h"

#define KNOWN_TEXT 128
#define EVICT_MAX  4096

static bool evicts(const struct setting *s)
{
    return s->dma.strategy == DMA_ON_DEMAND;
}

static bool has_window(const struct setting *s)
{
    return dma_strategy_has_window(s->dma.strategy);
}

static bool flushes(const struct setting *s)
{
    return evicts(s) || has_window(s);
}

static bool prefetches(const struct setting *s)
{
    return evicts(s) && s->dma.policy != &evict_adaptive;
}

static bool evicts_batches(const struct setting *s)
{
    return evicts(s) && s->dma.flush != DMA_FLUSH_STRICT;
}

static bool hits_fit(const struct setting *s)
{
    return !s->dma.policy->needs_hits || s->dma.hits == DMA_HITS_EXIT;
}

static bool guest_fits(const struct setting *s)
{
    return s->native || s->has_vm;
}

static bool irq_fits(const struct setting *s)
{
    return !s->msi || s->has_msi;
}

static int set_work(struct setting *s, const char *value, unsigned number)
{
    (void)number;
    if (!work_is_right(value))
        return -EINVAL;
    memcpy(s->work, value, strlen(value) + 1);
    return 0;
}

static int set_strategy(struct setting *s, const char *value, unsigned number)
{
    (void)value;
    s->dma.strategy = (enum dma_strategy)number;
    return 0;
}

static int set_flush(struct setting *s, const char *value, unsigned number)
{
    (void)value;
    s->dma.flush = (enum dma_flush)number;
    return 0;
}

static int set_policy(struct setting *s, const char *value, unsigned number)
{
    (void)number;
    s->dma.policy = evict_find(value);
    return 0;
}

static int set_number(const char *value, uint32_t low, uint32_t high, uint32_t *to)
{
    uint64_t n;

    if (cmdline_number(value, &n) != 0 || n < low || n > high)
        return -EINVAL;
    *to = (uint32_t)n;
    return 0;
}

static int set_prefetch(struct setting *s, const char *value, unsigned number)
{
    (void)number;
    return set_number(value, 0, FOLLOWER_DEPTH, &s->dma.prefetch);
}

static int set_hits(struct setting *s, const char *value, unsigned number)
{
    (void)value;
    s->dma.hits = (enum dma_hits)number;
    return 0;
}

static int set_evict(struct setting *s, const char *value, unsigned number)
{
    (void)number;
    return set_number(value, 1, EVICT_MAX, &s->dma.evict_batch);
}

static int set_calls(struct setting *s, const char *value, unsigned number)
{
    (void)value;
    s->calls = (enum abi_dma_calls)number;
    return 0;
}

static int set_iova(struct setting *s, const char *value, unsigned number)
{
    (void)number;
    s->iova = iova_find(value);
    return 0;
}

static int set_quota(struct setting *s, const char *value, unsigned number)
{
    (void)number;
    return quota_parse(value, &s->quota) ? -EINVAL : 0;
}

static int set_irq(struct setting *s, const char *value, unsigned number)
{
    (void)value;
    s->msi = number == true;
    return 0;
}

static int set_guest(struct setting *s, const char *value, unsigned number)
{
    (void)value;
    s->native = number == true;
    return 0;
}

const struct dimension_row dimensions[DIMENSIONS] = {
    [DIM_WORK] = {.key = "work",
                  .record = "workload",
                  .help = "workloads, in order; idle",
                  .otherwise = "idle",
                  .wants =
                      "a workload's name has a-z, 0-9 and _ only; behind a colon comes KEY=VALUE "
                      "of letters, digits and _ . / alone, as in tcp_rx:msg=64:bytes=8M",
                  .set = set_work},
    [DIM_STRATEGY] = {.key = "strategy",
                      .record = "strategy",
                      .help = "none passthrough direct persistent shared single-use on-demand; "
                              "on-demand",
                      .otherwise = "on-demand",
                      .names = options_strategy_names,
                      .set = set_strategy},
    [DIM_FLUSH] = {.key = "flush",
                   .record = "flush",
                   .help = "strict deferred percpu batch; batch",
                   .otherwise = "batch",
                   .names = options_flush_names,
                   .set = set_flush,
                   .means = flushes},
    [DIM_POLICY] = {.key = "policy",
                    .record = "policy",
                    .help = "fifo lru clock sieve s3fifo arc csra adaptive, for on-demand; "
                            "adaptive",
                    .otherwise = "adaptive",
                    .names = evict_names,
                    .set = set_policy,
                    .means = evicts,
                    .unfit = "policy=%s must see every map: add hits=exit, or take policy=clock"},
    [DIM_PREFETCH] = {.key = "prefetch",
                      .record = "prefetch",
                      .help = "followers that come along with a miss, 0 to 16; 0",
                      .otherwise = "0",
                      .wants = "not a number from 0 to 16",
                      .set = set_prefetch,
                      .means = prefetches},
    [DIM_HITS] = {.key = "hits",
                  .record = "hits_by",
                  .help = "table, or exit: the guest calls for every map, for on-demand; table",
                  .otherwise = "table",
                  .names = options_hits_names,
                  .set = set_hits,
                  .means = evicts,
                  .fits = hits_fit,
                  .useless = "hits= is for on-demand: the others evict nothing, or see each map as "
                             "it is; add on-demand to strategy=, or leave it out"},
    [DIM_EVICT] = {.key = "evict",
                   .record = "evict",
                   .help = "pages a batch eviction frees; 16",
                   .otherwise = "16",
                   .wants = "not a number from 1 to 4096",
                   .set = set_evict,
                   .means = evicts_batches},
    [DIM_CALLS] = {.key = "calls",
                   .record = "calls",
                   .help = "single piggyback batch, for shared and single-use; batch",
                   .otherwise = "batch",
                   .names = options_calls_names,
                   .set = set_calls,
                   .means = has_window,
                   .useless = "calls= is for strategies that call for each map and unmap: add "
                              "shared or single-use to strategy=, or leave it out"},
    [DIM_IOVA] = {.key = "iova",
                  .record = "iova",
                  .help = "identity rbtree eiovar magazine sizeclass, for shared and single-use; "
                          "magazine",
                  .otherwise = "magazine",
                  .names = iova_names,
                  .set = set_iova,
                  .means = has_window,
                  .useless = "iova= is for strategies where the guest chooses the IOVA: it is the "
                             "page's own address with the others; add shared or single-use to "
                             "strategy=, or leave it out"},
    [DIM_QUOTA] = {.key = "quota",
                   .record = "quota",
                   .help = "64M 10% w50% none, for on-demand; 25%",
                   .otherwise = "25%",
                   .wants = "give bytes (64M, a multiple of 4K, more than 0), a share of guest "
                            "memory (10%), a share of the working set (w50%), or none",
                   .set = set_quota,
                   .means = evicts},
    [DIM_IRQ] = {.key = "irq",
                 .record = "irq",
                 .help = "how the guest learns of its NIC's work: poll msi; poll",
                 .otherwise = "poll",
                 .names = options_irq_names,
                 .set = set_irq,
                 .fits = irq_fits},
    [DIM_GUEST] = {.key = "guest",
                   .record = "guest",
                   .help = "where it runs: vm native; \"key=value,...\" handed to it; vm",
                   .otherwise = "vm",
                   .names = options_guest_names,
                   .set = set_guest,
                   .fits = guest_fits},
};

_Static_assert(FOLLOWER_DEPTH == 16 && EVICT_MAX == 4096, "as the rows say");

void setting_begin(struct setting *s, bool has_msi, bool has_vm)
{
    *s = (struct setting){.dma = {.policy = &evict_adaptive,
                                  .flush = DMA_FLUSH_BATCH,
                                  .quota = DMA_NO_QUOTA,
                                  .evict_batch = 16},
                          .iova = &iova_magazine,
                          .calls = ABI_CALLS_BATCH,
                          .quota = {.kind = QUOTA_NONE},
                          .has_msi = has_msi,
                          .has_vm = has_vm};
}

/* "a b c", for error texts. */
static void join(const char *const *names, char *to, size_t size)
{
    size_t used = 0;

    to[0] = 0;
    for (; *names != NULL && used < size; names++)
        used += (size_t)fmt_snprintf(to + used, size - used, "%s%s", used ? " " : "", *names);
}

static int find(const struct dimension_row *row, const char *value)
{
    for (int i = 0; row->names[i] != NULL; i++)
        if (strcmp(row->names[i], value) == 0)
            return i;
    return -EINVAL;
}

static void explain(const struct dimension_row *row, const char *value, char *error, size_t size)
{
    char known[KNOWN_TEXT];
    const char *nearest;

    if (row->names == NULL) {
        fmt_snprintf(error, size, "%s=%s: %s", row->key, value, row->wants);
        return;
    }
    nearest = cmdline_nearest(value, row->names);
    join(row->names, known, sizeof known);
    fmt_snprintf(error, size, "%s=%s: no such name; known: %s%s%s", row->key, value, known,
                 nearest ? "; did you mean " : "", nearest ? nearest : "");
}

int setting_take(struct setting *s, enum dimension d, const char *value, char *error, size_t size)
{
    const struct dimension_row *row = &dimensions[d];
    int number = row->names ? find(row, value) : 0;
    int bad = number < 0 ? number : row->set(s, value, (unsigned)number);

    if (bad != 0 && error != NULL)
        explain(row, value, error, size);
    return bad;
}

/* SPDX-License-Identifier: MIT */
#include "kernel/options.h"

#include <errno.h>
#include <string.h>
#include "drivers/uart.h"
#include "kernel/dma/evict.h"
#include "kernel/log.h"
#include "kernel/options_names.h"
#include "kernel/panic.h"
#include "kernel/work.h"
#include "lib/fmt.h"

#define COM1_PORT 0x3f8

struct parse {
    struct options *out;
    bool has_calls, has_iova, has_hits; /* said, so that they must mean something */
    char *error;                        /* "" until something is wrong; the first error stays */
};

struct option {
    struct cmdline_option known;
    void (*set)(struct parse *p, const char *value);
};

__attribute__((format(printf, 2, 3))) static void fail(struct parse *p, const char *format, ...)
{
    va_list args;

    if (p->error[0] != 0)
        return;
    va_start(args, format);
    fmt_vsnprintf(p->error, OPTIONS_ERROR_TEXT, format, args);
    va_end(args);
}

/* "a b c", for error texts. */
static void join(const char *const *names, char *to, size_t size)
{
    size_t used = 0;

    to[0] = 0;
    for (; *names != NULL && used < size; names++)
        used += (size_t)fmt_snprintf(to + used, size - used, "%s%s", used ? " " : "", *names);
}

static int find_name(struct parse *p, const char *option, const char *name,
                     const char *const *names)
{
    char known[128];
    const char *nearest = cmdline_nearest(name, names);

    for (int i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    join(names, known, sizeof known);
    fail(p, "%s=%s: no such name; known: %s%s%s", option, name, known,
         nearest ? "; did you mean " : "", nearest ? nearest : "");
    return -EINVAL;
}

static uint64_t number(struct parse *p, const char *option, const char *value, uint64_t low,
                       uint64_t high)
{
    uint64_t n = 0;

    if (cmdline_number(value, &n) != 0 || n < low || n > high)
        fail(p, "%s=%s: not a number from %lu to %lu", option, value, low, high);
    return n;
}

/* Calls each(p, index, piece) for the pieces of a comma-separated value; returns how many. */
static uint32_t each_piece(struct parse *p, const char *option, const char *value,
                           void (*each)(struct parse *p, uint32_t index, const char *piece))
{
    char piece[OPTIONS_NAME];
    uint32_t n = 0;

    while (cmdline_piece(value, n, piece, sizeof piece)) {
        if (n == OPTIONS_LIST) {
            fail(p, "%s=: more than %d names; run them in several boots", option, OPTIONS_LIST);
            break;
        }
        if (strlen(piece) == sizeof piece - 1) /* the rest of it was cut */
            fail(p, "%s=%s...: longer than %d letters", option, piece, OPTIONS_NAME - 2);
        if (piece[0] == 0)
            fail(p, "%s=%s: an empty name between commas", option, value);
        each(p, n++, piece);
    }
    return n;
}

static void set_com1(struct parse *p, const char *value)
{
    char rate[16] = "", format[8] = "8n1", port_text[16];
    uint64_t port = COM1_PORT, baud;

    (void)cmdline_piece(value, 0, rate, sizeof rate);
    if (cmdline_piece(value, 1, port_text, sizeof port_text))
        memcpy(format, port_text, sizeof format - 1);
    if (cmdline_piece(value, 2, port_text, sizeof port_text))
        port = number(p, "com1 port", port_text, 1, 0xfff8);
    baud = number(p, "com1 rate", rate, 50, 115200);
    if (p->error[0] == 0 && uart_init((uint16_t)port, (uint32_t)baud, format) != 0)
        fail(p, "com1=%s: no 16550 answers there, or not RATE,FORMAT[,PORT] as in 115200,8n1",
             value);
}

static void set_loglevel(struct parse *p, const char *value)
{
    enum log_level level;

    if (log_level_find(value, &level) != 0)
        fail(p, "loglevel=%s: known: error warn info debug", value);
    else
        log_set_level(level);
}

static void set_exit(struct parse *p, const char *value)
{
    if (machine_exit_set(value) != 0)
        fail(p, "exit=%s: known: qemu bochs reboot halt", value);
}

static void set_nic(struct parse *p, const char *value)
{
    fmt_snprintf(p->out->nic, sizeof p->out->nic, "%s", value);
}

static void add_work(struct parse *p, uint32_t index, const char *piece)
{
    const char *wrong = work_error(piece);

    if (wrong)
        fail(p, "work=%s: %s", piece, wrong);
    memcpy(p->out->work[index], piece, OPTIONS_NAME);
}

static void set_work(struct parse *p, const char *value)
{
    p->out->works = each_piece(p, "work", value, add_work);
}

static void add_strategy(struct parse *p, uint32_t index, const char *piece)
{
    int found = find_name(p, "strategy", piece, options_strategy_names);

    if (found >= 0)
        p->out->strategy[index] = (enum dma_strategy)found;
}

static void set_strategy(struct parse *p, const char *value)
{
    p->out->strategies = each_piece(p, "strategy", value, add_strategy);
}

static void add_quota(struct parse *p, uint32_t index, const char *piece)
{
    if (quota_parse(piece, &p->out->quota[index]) != 0)
        fail(p,
             "quota=%s: give bytes (64M, a multiple of 4K, more than 0), a share of guest memory "
             "(10%%), a share of the working set (w50%%), or none",
             piece);
    memcpy(p->out->quota_text[index], piece, OPTIONS_NAME);
}

static void set_quota(struct parse *p, const char *value)
{
    p->out->quotas = each_piece(p, "quota", value, add_quota);
}

static void add_irq(struct parse *p, uint32_t index, const char *piece)
{
    p->out->msi[index] = find_name(p, "irq", piece, options_irq_names) == true;
}

static void set_irq(struct parse *p, const char *value)
{
    p->out->irqs = each_piece(p, "irq", value, add_irq);
}

static void set_policy(struct parse *p, const char *value)
{
    if (find_name(p, "policy", value, evict_names) >= 0)
        p->out->policy = evict_find(value);
}

static void set_prefetch(struct parse *p, const char *value)
{
    p->out->prefetch = (uint32_t)number(p, "prefetch", value, 0, FOLLOWER_DEPTH);
}

static void set_hits(struct parse *p, const char *value)
{
    int found = find_name(p, "hits", value, options_hits_names);

    if (found >= 0)
        p->out->hits = (enum dma_hits)found;
    p->has_hits = true;
}

static void set_flush(struct parse *p, const char *value)
{
    int found = find_name(p, "flush", value, options_flush_names);

    if (found >= 0)
        p->out->flush = (enum dma_flush)found;
}

static void set_calls(struct parse *p, const char *value)
{
    int found = find_name(p, "calls", value, options_calls_names);

    if (found >= 0)
        p->out->calls = (enum abi_dma_calls)found;
    p->has_calls = true;
}

static void set_iova(struct parse *p, const char *value)
{
    if (find_name(p, "iova", value, iova_names) >= 0)
        p->out->iova = iova_find(value);
    p->has_iova = true;
}

static void set_evict(struct parse *p, const char *value)
{
    p->out->evict_batch = (uint32_t)number(p, "evict", value, 1, 4096);
}

static void set_rounds(struct parse *p, const char *value)
{
    p->out->rounds = (uint32_t)number(p, "rounds", value, 1, 1000);
}

static void set_mem(struct parse *p, const char *value)
{
    uint64_t bytes = 0;

    if (cmdline_size(value, &bytes) != 0 || bytes < 4 * PAGE_2M || !is_aligned(bytes, PAGE_2M) ||
        bytes > 64 * PAGE_1G)
        fail(p, "mem=%s: not a multiple of 2M from 8M to 64G", value);
    p->out->memory = bytes;
}

static void set_wset(struct parse *p, const char *value)
{
    p->out->working_set = number(p, "wset", value, 1, UINT32_MAX - 1);
}

static void set_deadline(struct parse *p, const char *value)
{
    p->out->deadline_ms = (uint32_t)number(p, "deadline", value, 100, 3600000);
}

static void set_seed(struct parse *p, const char *value)
{
    p->out->seed = number(p, "seed", value, 0, UINT64_MAX);
}

static void set_trace(struct parse *p, const char *value)
{
    char piece[OPTIONS_NAME];
    uint64_t events = 0;

    (void)cmdline_piece(value, 0, piece, sizeof piece);
    if (cmdline_size(piece, &events) != 0 || events < 1024 || events > 64u << 20)
        fail(p, "trace=%s: not a number of events from 1K to 64M", value);
    p->out->trace = events;
    if (!cmdline_piece(value, 1, piece, sizeof piece))
        return;
    p->out->trace_dump = strcmp(piece, "dump") == 0;
    if (!p->out->trace_dump)
        fail(p, "trace=%s: after the number there may be dump, to print each trace", value);
}

static void set_guest(struct parse *p, const char *value)
{
    int error = options_guest(p->out, value);

    if (error == -E2BIG)
        fail(p, "guest=: longer than %lu bytes, or more than %d names", sizeof p->out->guest - 1,
             OPTIONS_LIST);
    else if (error)
        fail(p, "guest=%s: known: vm native, and key=value for the guest", value);
}

static void set_rsdp(struct parse *p, const char *value)
{
    p->out->rsdp = hpa(number(p, "acpi_rsdp", value, PAGE_SIZE, UINT64_MAX >> 12));
}

static void set_unsafe_dma(struct parse *p, const char *value)
{
    (void)value;
    p->out->unsafe_dma = true;
}

static void set_unsafe_msi(struct parse *p, const char *value)
{
    (void)value;
    p->out->unsafe_msi = true;
}

static void set_unsafe_no_iommu(struct parse *p, const char *value)
{
    (void)value;
    p->out->unsafe_no_iommu = true;
}

static void set_unsafe_native(struct parse *p, const char *value)
{
    (void)value;
    p->out->unsafe_native = true;
}

static const struct option options[] = {
    {{"com1", "RATE,FORMAT[,PORT] of the serial console; 115200,8n1,0x3f8"}, set_com1},
    {{"loglevel", "error warn info debug; info"}, set_loglevel},
    {{"exit", "how to leave: qemu bochs reboot halt; halt"}, set_exit},
    {{"nic", "auto or bus:dev.fn; auto"}, set_nic},
    {{"work", "workloads, in order; idle"}, set_work},
    {{"strategy", "none passthrough direct persistent shared single-use on-demand; on-demand"},
     set_strategy},
    {{"quota", "64M 10% w50% none, for on-demand; 25%"}, set_quota},
    {{"irq", "how the guest learns of its NIC's work: poll msi; poll"}, set_irq},
    {{"policy", "fifo lru clock sieve s3fifo arc csra adaptive, for on-demand; adaptive"},
     set_policy},
    {{"prefetch", "followers that come along with a miss, 0 to 16; 0"}, set_prefetch},
    {{"hits", "table, or exit: the guest calls for every map, for on-demand; table"}, set_hits},
    {{"flush", "strict deferred percpu batch; batch"}, set_flush},
    {{"calls", "single piggyback batch, for shared and single-use; batch"}, set_calls},
    {{"iova", "identity rbtree eiovar magazine sizeclass, for shared and single-use; magazine"},
     set_iova},
    {{"evict", "pages a batch eviction frees; 16"}, set_evict},
    {{"rounds", "how often the list of cases runs; 1"}, set_rounds},
    {{"mem", "guest RAM; 64M"}, set_mem},
    {{"wset", "working set in pages, instead of a measured one"}, set_wset},
    {{"deadline", "milliseconds in which the guest's heartbeat must move; 5000"}, set_deadline},
    {{"seed", "for the guest's pseudo-random numbers; 1"}, set_seed},
    {{"trace", "keep the last so many DMA maps and unmaps of a guest, as in 64K or 64K,dump; none"},
     set_trace},
    {{"guest", "where it runs: vm native; \"key=value,...\" handed to it; vm"}, set_guest},
    {{"acpi_rsdp", "address of the RSDP to use instead of the firmware's"}, set_rsdp},
    {{"unsafe-dma", "allows strategy=none and passthrough: the device reaches all memory"},
     set_unsafe_dma},
    {{"unsafe-msi", "allows a unit without interrupt remapping"}, set_unsafe_msi},
    {{"unsafe-no-iommu", "allows a machine without VT-d: the device reaches all memory"},
     set_unsafe_no_iommu},
    {{"unsafe-native", "allows guest=native: in ring 0 of this machine, which it can destroy"},
     set_unsafe_native},
};

#define OPTIONS (sizeof options / sizeof options[0])

static void seen(void *ctx, const char *key, const char *value)
{
    struct parse *p = ctx;
    bool flag = strncmp(key, "unsafe-", 7) == 0;

    for (size_t i = 0; i < OPTIONS; i++) {
        if (strcmp(options[i].known.key, key) != 0)
            continue;
        if (flag != (value == NULL) || (value != NULL && value[0] == 0))
            fail(p, "%s: %s", key, flag ? "takes no value" : options[i].known.help);
        else
            options[i].set(p, value);
    }
}

static void unknown(void *ctx, const char *key, const char *nearest)
{
    (void)ctx;
    log_warn("options", "unknown option %s ignored%s%s", key, nearest ? "; did you mean " : "",
             nearest ? nearest : "");
}

static const struct options defaults = {
    .nic = "auto",
    .works = 1,
    .work = {"idle"},
    .strategies = 1,
    .strategy = {DMA_ON_DEMAND},
    .quotas = 1,
    .quota = {{QUOTA_PERCENT, 25}},
    .quota_text = {"25%"},
    .irqs = 1,
    .msi = {false},
    .guests = 1,
    .native = {false},
    .policy = &evict_adaptive,
    .flush = DMA_FLUSH_BATCH,
    .evict_batch = 16,
    .calls = ABI_CALLS_BATCH,
    .iova = &iova_magazine,
    .rounds = 1,
    .memory = 64ull << 20,
    .deadline_ms = 5000,
    .seed = 1,
};

/* Options that were said and that no strategy of the list looks at. */
static void check_meaning(struct parse *p)
{
    bool has_window = false, evicts = false;

    for (uint32_t i = 0; i < p->out->strategies; i++) {
        has_window |= dma_strategy_has_window(p->out->strategy[i]);
        evicts |= p->out->strategy[i] == DMA_ON_DEMAND;
    }
    if (p->has_calls && !has_window)
        fail(p, "calls= is for strategies that call for each map and unmap: add shared or "
                "single-use to strategy=, or leave it out");
    if (p->has_iova && !has_window)
        fail(p, "iova= is for strategies where the guest chooses the IOVA: it is the page's own "
                "address with the others; add shared or single-use to strategy=, or leave it out");
    if (p->has_hits && !evicts)
        fail(p, "hits= is for on-demand: the others evict nothing, or see each map as it is; add "
                "on-demand to strategy=, or leave it out");
    if (evicts && p->out->policy->needs_hits && p->out->hits == DMA_HITS_FREE)
        fail(p, "policy=%s must see every map: add hits=exit, or take policy=clock",
             p->out->policy->name);
}

int options_parse(const char *text, struct options *out, char error[OPTIONS_ERROR_TEXT])
{
    struct cmdline_option known[OPTIONS + 1] = {0};
    struct parse p = {.out = out, .error = error};

    for (size_t i = 0; i < OPTIONS; i++)
        known[i] = options[i].known;
    *out = defaults;
    error[0] = 0;
    if (cmdline_parse(text, known, seen, unknown, &p) != 0)
        fail(&p, "command line: a word over 511 bytes, or a quote that is not closed");
    check_meaning(&p);
    for (uint32_t i = 0; i < out->strategies; i++)
        if ((out->strategy[i] == DMA_NONE || out->strategy[i] == DMA_PASSTHROUGH) &&
            !out->unsafe_dma)
            fail(&p, "strategy=%s lets the device reach all memory: add unsafe-dma to allow it",
                 options_strategy_names[out->strategy[i]]);
    for (uint32_t i = 0; i < out->guests; i++)
        if (out->native[i] && !out->unsafe_native)
            fail(&p, "guest=native runs the guest in ring 0 of this machine, where it can destroy "
                     "everything: add unsafe-native to allow it, or take guest=vm");
    return error[0] ? -EINVAL : 0;
}

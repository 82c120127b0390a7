/* SPDX-License-Identifier: MIT */
#include "kernel/options.h"

#include <errno.h>
#include <string.h>
#include "drivers/uart.h"
#include "kernel/cross.h"
#include "kernel/log.h"
#include "kernel/options_guest.h"
#include "kernel/options_names.h"
#include "kernel/panic.h"
#include "kernel/work.h"
#include "lib/fmt.h"

#define COM1_PORT 0x3f8

struct parse {
    struct options *out;
    enum options_from from;
    char *error; /* "" until something is wrong; the first error stays */
};

/* Where an option may stand: a bit for each of enum options_from. */
#define AT_BOOT     (1u << OPTIONS_BOOT)
#define AT_CONSOLE  (AT_BOOT | 1u << OPTIONS_SHELL)
#define AT_ANY_TIME (AT_CONSOLE | 1u << OPTIONS_PLAN)

struct option {
    struct cmdline_option known;
    void (*set)(struct parse *p, const char *value);
    unsigned from;
    bool is_flag; /* takes no value */
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

static uint64_t number(struct parse *p, const char *option, const char *value, uint64_t low,
                       uint64_t high)
{
    uint64_t n = 0;

    if (cmdline_number(value, &n) != 0 || n < low || n > high)
        fail(p, "%s=%s: not a number from %lu to %lu", option, value, low, high);
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

static void set_bench(struct parse *p, const char *value)
{
    if (strlen(value) >= sizeof p->out->bench)
        fail(p, "bench=%s: a plan's name has at most %d letters", value, OPTIONS_NAME - 1);
    else
        memcpy(p->out->bench, value, strlen(value) + 1);
}

static void set_resume(struct parse *p, const char *value)
{
    p->out->resume = (uint32_t)number(p, "resume", value, 1, UINT32_MAX);
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

static void set_limit(struct parse *p, const char *value)
{
    p->out->limit_s = (uint32_t)number(p, "limit", value, 1, 86400);
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
    p->out->trace_dump = cmdline_piece(value, 1, piece, sizeof piece);
    if (p->out->trace_dump && strcmp(piece, "dump") != 0)
        fail(p, "trace=%s: after the number there may be dump, to print each trace", value);
}

static void set_rsdp(struct parse *p, const char *value)
{
    p->out->rsdp = hpa(number(p, "acpi_rsdp", value, PAGE_SIZE, UINT64_MAX >> 12));
}

static void set_progress(struct parse *p, const char *value)
{
    p->out->no_progress = strcmp(value, "off") == 0;
    if (!p->out->no_progress && strcmp(value, "on") != 0)
        fail(p, "progress=%s: known: on off", value);
}

static void set_shell(struct parse *p, const char *value)
{
    (void)value;
    p->out->shell = true;
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

/* Beside the dimensions. */
static const struct option options[] = {
    {{"com1", "RATE,FORMAT[,PORT] of the serial console; 115200,8n1,0x3f8"},
     set_com1,
     AT_CONSOLE,
     false},
    {{"loglevel", "error warn info debug; info"}, set_loglevel, AT_CONSOLE, false},
    {{"exit", "how to leave: qemu bochs reboot halt; halt"}, set_exit, AT_CONSOLE, false},
    {{"nic", "auto or bus:dev.fn; auto"}, set_nic, AT_BOOT, false},
    {{"bench", "a plan of cases: quick paper full, or a boot module's name"},
     set_bench,
     AT_CONSOLE,
     false},
    {{"resume", "number of the case to begin with; 1"}, set_resume, AT_CONSOLE, false},
    {{"rounds", "how often the cases run; 1"}, set_rounds, AT_CONSOLE, false},
    {{"mem", "guest RAM; 64M"}, set_mem, AT_ANY_TIME, false},
    {{"wset", "working set in pages, instead of a measured one"}, set_wset, AT_ANY_TIME, false},
    {{"deadline", "milliseconds in which the guest's heartbeat must move; 5000"},
     set_deadline,
     AT_ANY_TIME,
     false},
    {{"limit", "seconds that a case may take; 900"}, set_limit, AT_ANY_TIME, false},
    {{"seed", "for the guest's pseudo-random numbers; 1"}, set_seed, AT_ANY_TIME, false},
    {{"trace", "keep the last so many DMA maps and unmaps of a guest, as in 64K or 64K,dump; none"},
     set_trace,
     AT_ANY_TIME,
     false},
    {{"acpi_rsdp", "address of the RSDP to use instead of the firmware's"},
     set_rsdp,
     AT_BOOT,
     false},
    {{"progress", "on off: a line that tells how far the cases are; on"},
     set_progress,
     AT_CONSOLE,
     false},
    {{"shell", "commands by the serial line, after the cases"}, set_shell, AT_BOOT, true},
    {{"unsafe-dma", "allows strategy=none and passthrough: the device reaches all memory"},
     set_unsafe_dma,
     AT_CONSOLE,
     true},
    {{"unsafe-msi", "allows a unit without interrupt remapping"}, set_unsafe_msi, AT_BOOT, true},
    {{"unsafe-no-iommu", "allows a machine without VT-d: the device reaches all memory"},
     set_unsafe_no_iommu,
     AT_BOOT,
     true},
    {{"unsafe-native", "allows guest=native: in ring 0 of this machine, which it can destroy"},
     set_unsafe_native,
     AT_BOOT,
     true},
};

#define OTHERS  (sizeof options / sizeof options[0])
#define OPTIONS (OTHERS + DIMENSIONS)

/* The dimensions stand behind nic=, where the table of the documentation has them too. */
bool options_known(unsigned index, struct cmdline_option *known)
{
    if (index >= OPTIONS)
        return false;
    if (index < DIMENSIONS)
        *known = (struct cmdline_option){dimensions[index].key, dimensions[index].help};
    else
        *known = options[index - DIMENSIONS].known;
    return true;
}

static void set_list(struct parse *p, enum dimension d, const char *value)
{
    struct options_list *list = &p->out->list[d];
    struct setting s;
    char piece[OPTIONS_NAME];

    setting_begin(&s, true, true);
    *list = (struct options_list){.is_given = true};
    while (p->error[0] == 0 && cmdline_piece(value, list->count, piece, sizeof piece)) {
        if (list->count == OPTIONS_LIST)
            fail(p, "%s=: more than %d values; run them in several boots, or lines of a plan",
                 dimensions[d].key, OPTIONS_LIST);
        else if (piece[0] == 0)
            fail(p, "%s=%s: an empty name between commas", dimensions[d].key, value);
        else if (strlen(piece) == sizeof piece - 1) /* the rest of it was cut */
            fail(p, "%s=%s...: longer than %d letters", dimensions[d].key, piece, OPTIONS_NAME - 2);
        else if (setting_take(&s, d, piece, p->error, OPTIONS_ERROR_TEXT) == 0)
            memcpy(list->value[list->count++], piece, sizeof piece);
    }
}

static void set_guest(struct parse *p, const char *value)
{
    char names[GUEST_WORD];

    if (options_guest(value, names, p->out->guest, sizeof p->out->guest) != 0)
        fail(p, "guest=: its key=value pairs are longer than %lu bytes", sizeof p->out->guest - 1);
    else if (names[0] != 0)
        set_list(p, DIM_GUEST, names);
}

static void set_other(struct parse *p, const struct option *option, const char *value)
{
    const char *key = option->known.key;

    if (!(option->from & 1u << p->from))
        fail(p,
             p->from == OPTIONS_PLAN ? "%s: not in a plan: give it on the command line"
                                     : "%s: only at boot, on the command line",
             key);
    else if (option->is_flag && value != NULL)
        fail(p, "%s: takes no value", key);
    else if (!option->is_flag && (value == NULL || value[0] == 0))
        fail(p, "%s: %s", key, option->known.help);
    else
        option->set(p, value);
}

static void seen(void *ctx, const char *key, const char *value)
{
    struct parse *p = ctx;

    for (size_t i = 0; i < OTHERS; i++)
        if (strcmp(options[i].known.key, key) == 0)
            set_other(p, &options[i], value);
    for (unsigned d = 0; d < DIMENSIONS; d++) {
        if (strcmp(dimensions[d].key, key) != 0)
            continue;
        if (value == NULL || value[0] == 0)
            fail(p, "%s: %s", key, dimensions[d].help);
        else if (d == DIM_GUEST)
            set_guest(p, value);
        else
            set_list(p, (enum dimension)d, value);
    }
}

/* Loaders add words of their own; people and plans do not. */
static void unknown(void *ctx, const char *key, const char *nearest)
{
    struct parse *p = ctx;
    const char *hint = nearest ? "; did you mean " : "";

    if (!nearest)
        nearest = "";
    if (p->from == OPTIONS_BOOT)
        log_warn("options", "unknown option %s ignored%s%s", key, hint, nearest);
    else
        fail(p, "%s: no such option%s%s", key, hint, nearest);
}

static void check_unsafe(struct parse *p)
{
    const struct options_list *list = &p->out->list[DIM_STRATEGY];
    struct setting s;

    setting_begin(&s, true, true);
    for (uint32_t i = 0; i < list->count && !p->out->unsafe_dma; i++)
        if (setting_take(&s, DIM_STRATEGY, list->value[i], NULL, 0) == 0 &&
            (s.dma.strategy == DMA_NONE || s.dma.strategy == DMA_PASSTHROUGH))
            fail(p, "strategy=%s lets the device reach all memory: add unsafe-dma to allow it",
                 list->value[i]);
    list = &p->out->list[DIM_GUEST];
    for (uint32_t i = 0; i < list->count && !p->out->unsafe_native; i++)
        if (setting_take(&s, DIM_GUEST, list->value[i], NULL, 0) == 0 && s.native)
            fail(p, "guest=native runs the guest in ring 0 of this machine, where it can destroy "
                    "everything: add unsafe-native to allow it, or take guest=vm");
}

int options_change(const char *text, enum options_from from, struct options *out,
                   char error[OPTIONS_ERROR_TEXT])
{
    struct cmdline_option known[OPTIONS + 1] = {0};
    struct parse p = {.out = out, .from = from, .error = error};
    uint32_t cases;
    uint64_t skipped;

    for (unsigned i = 0; options_known(i, &known[i]); i++)
        ;
    error[0] = 0;
    /* Only what is said now must mean something. */
    for (unsigned d = 0; d < DIMENSIONS; d++)
        out->list[d].is_given = false;
    if (cmdline_parse(text, known, seen, unknown, &p) != 0)
        fail(&p, "command line: a word over 511 bytes, or a quote that is not closed");
    if (error[0] == 0)
        (void)cross_check(out, &cases, &skipped, error);
    check_unsafe(&p);
    return error[0] ? -EINVAL : 0;
}

int options_parse(const char *text, struct options *out, char error[OPTIONS_ERROR_TEXT])
{
    memset(out, 0, sizeof *out);
    memcpy(out->nic, "auto", sizeof "auto");
    out->resume = out->rounds = 1;
    out->memory = 64ull << 20;
    out->deadline_ms = 5000;
    out->limit_s = 900;
    out->seed = 1;
    out->has_msi = out->has_vm = true;
    for (unsigned d = 0; d < DIMENSIONS; d++) {
        out->list[d].count = 1;
        fmt_snprintf(out->list[d].value[0], OPTIONS_NAME, "%s", dimensions[d].otherwise);
    }
    return options_change(text, OPTIONS_BOOT, out, error);
}

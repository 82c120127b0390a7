/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include "kernel/cross.h"
#include "kernel/log.h"
#include "kernel/options_guest.h"
#include "kernel/options_parts.h"
#include "lib/fmt.h"

void options_fail(struct parse *p, const char *format, ...)
{
    va_list args;

    if (p->error[0] != 0)
        return;
    va_start(args, format);
    fmt_vsnprintf(p->error, OPTIONS_ERROR_TEXT, format, args);
    va_end(args);
}

#define OPTIONS (OPTIONS_OTHERS + DIMENSIONS)

bool options_known(unsigned index, struct cmdline_option *known)
{
    if (index >= OPTIONS)
        return false;
    if (index < DIMENSIONS)
        *known = (struct cmdline_option){dimensions[index].key, dimensions[index].help};
    else
        *known = options_others[index - DIMENSIONS].known;
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
            options_fail(p,
                         "%s=: more than %d values; run them in several boots, or lines of a plan",
                         dimensions[d].key, OPTIONS_LIST);
        else if (piece[0] == 0)
            options_fail(p, "%s=%s: an empty name between commas", dimensions[d].key, value);
        else if (strlen(piece) == sizeof piece - 1) /* the rest of it was cut */
            options_fail(p, "%s=%s...: longer than %d letters", dimensions[d].key, piece,
                         OPTIONS_NAME - 2);
        else if (setting_take(&s, d, piece, p->error, OPTIONS_ERROR_TEXT) == 0)
            memcpy(list->value[list->count++], piece, sizeof piece);
    }
}

static void set_guest(struct parse *p, const char *value)
{
    char names[GUEST_WORD];

    if (options_guest(value, names, p->out->guest, sizeof p->out->guest) != 0)
        options_fail(p, "guest=: its key=value pairs are longer than %lu bytes",
                     sizeof p->out->guest - 1);
    else if (names[0] != 0)
        set_list(p, DIM_GUEST, names);
}

static void set_other(struct parse *p, const struct option *option, const char *value)
{
    const char *key = option->known.key;

    if (!(option->from & 1u << p->from))
        options_fail(p,
                     p->from == OPTIONS_PLAN ? "%s: not in a plan: give it on the command line"
                                             : "%s: only at boot, on the command line",
                     key);
    else if (option->is_flag && value != NULL)
        options_fail(p, "%s: takes no value", key);
    else if (!option->is_flag && (value == NULL || value[0] == 0))
        options_fail(p, "%s: %s", key, option->known.help);
    else
        option->set(p, value);
}

static void seen(void *ctx, const char *key, const char *value)
{
    struct parse *p = ctx;

    for (size_t i = 0; i < OPTIONS_OTHERS; i++)
        if (strcmp(options_others[i].known.key, key) == 0)
            set_other(p, &options_others[i], value);
    for (unsigned d = 0; d < DIMENSIONS; d++) {
        if (strcmp(dimensions[d].key, key) != 0)
            continue;
        if (value == NULL || value[0] == 0)
            options_fail(p, "%s: %s", key, dimensions[d].help);
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
        options_fail(p, "%s: no such option%s%s", key, hint, nearest);
}

static void check_unsafe(struct parse *p)
{
    const struct options_list *list = &p->out->list[DIM_STRATEGY];
    struct setting s;

    setting_begin(&s, true, true);
    for (uint32_t i = 0; i < list->count && !p->out->unsafe_dma; i++)
        if (setting_take(&s, DIM_STRATEGY, list->value[i], NULL, 0) == 0 &&
            (s.dma.strategy == DMA_NONE || s.dma.strategy == DMA_PASSTHROUGH))
            options_fail(p,
                         "strategy=%s lets the device reach all memory: add unsafe-dma to allow it",
                         list->value[i]);
    list = &p->out->list[DIM_GUEST];
    for (uint32_t i = 0; i < list->count && !p->out->unsafe_native; i++)
        if (setting_take(&s, DIM_GUEST, list->value[i], NULL, 0) == 0 && s.native)
            options_fail(
                p, "guest=native runs the guest in ring 0 of this machine, where it can destroy "
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
        options_fail(&p, "command line: a word over 511 bytes, or a quote that is not closed");
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

/* SPDX-License-Identifier: MIT */
#include "kernel/shell.h"

#include <errno.h>
#include <string.h>
#include "drivers/env.h"
#include "kernel/command.h"
#include "kernel/lineedit.h"
#include "kernel/log.h"
#include "kernel/shell_show.h"
#include "lib/fmt.h"

#define PROMPT       "sluice> "
#define TRACE_EVENTS "64K" /* where nobody says how many */

static struct {
    struct options *o;
    const struct boot_module *image;
    struct pci_function *nic;
    const struct cpu_ops *cpu;
    enum exit_code code;
} shell;

static struct lineedit edit;
static struct options changed; /* what `set` or `run` asks for, until it is known to be right */

static void help(const char *rest);

static void change(const char *words)
{
    char error[OPTIONS_ERROR_TEXT];

    changed = *shell.o;
    if (options_change(words, OPTIONS_SHELL, &changed, error) != 0)
        show("%s", error);
    else
        *shell.o = changed;
}

static void set(const char *rest)
{
    change(rest);
    if (*rest == 0)
        show_settings(shell.o);
}

/* NAME, NAME:KEY=VALUE, or a list of such; an option has no colon before its =. */
static bool is_work(const char *word)
{
    const char *equals = strchr(word, '='), *colon = strchr(word, ':');

    return !equals || (colon && colon < equals);
}

/* `run echo,ping quota=10%`: the settings, but for this run these workloads and words. */
static void run(const char *rest)
{
    char error[OPTIONS_ERROR_TEXT], text[LINEEDIT_BYTES + 8], word[LINEEDIT_BYTES];
    const char *words = rest, *first = command_word(&words, word, sizeof word);
    enum exit_code code;

    changed = *shell.o;
    if (first && is_work(first)) {
        changed.bench[0] = 0;
        fmt_snprintf(text, sizeof text, "work=%s %s", first, words);
    } else {
        fmt_snprintf(text, sizeof text, "%s", rest);
    }
    if (options_change(text, OPTIONS_SHELL, &changed, error) != 0) {
        show("%s", error);
        return;
    }
    code = cases_run(&changed, shell.image, shell.nic, shell.cpu);
    /* Settings that cannot work are between us and whoever typed them. */
    if (code > shell.code && code != EXIT_REFUSED)
        shell.code = code;
}

static void status(const char *rest)
{
    (void)rest;
    show_status(shell.nic, shell.cpu);
}

static void stats(const char *rest)
{
    (void)rest;
    show_stats();
}

static void faults(const char *rest)
{
    (void)rest;
    show_faults();
}

static void domains(const char *rest)
{
    (void)rest;
    show_domains();
}

/* `trace on 1M`, then a run, then `trace dump`. */
static void trace(const char *rest)
{
    char what[COMMAND_NAME] = "", events[COMMAND_NAME] = TRACE_EVENTS, text[2 * COMMAND_NAME];
    bool is_on;

    (void)command_word(&rest, what, sizeof what);
    is_on = strcmp(what, "on") == 0;
    if (is_on)
        (void)command_word(&rest, events, sizeof events);
    fmt_snprintf(text, sizeof text, "trace=%s", is_on ? events : "none");
    if (*rest != 0)
        show("trace %s: %s is too much", what, rest);
    else if (is_on || strcmp(what, "off") == 0)
        change(text);
    else if (what[0] == 0)
        show_trace(shell.o);
    else if (strcmp(what, "dump") != 0)
        show("trace %s: on, on EVENTS, off, dump, or nothing", what);
    else if (!vm_trace_again())
        show("trace dump: the last case recorded nothing: trace on, then run WORKLOAD");
}

static void results(const char *rest)
{
    uint64_t range[2] = {1, UINT64_MAX};

    if (command_numbers(rest, range, 2) < 0)
        show("results %s: not a number, or two: results 5, results 5 9", rest);
    else
        show_results(range[0], range[1]);
}

static void reboot(const char *rest)
{
    (void)rest;
    (void)machine_exit_set("reboot");
    machine_exit(shell.code);
}

static void leave(const char *rest)
{
    (void)rest;
    machine_exit(shell.code);
}

static const struct command commands[] = {
    {"help", "[options]", "this list; or that of what set takes"},
    {"status", "", "the machine, and the last case"},
    {"stats", "", "counters of the last measured window"},
    {"set", "[OPTION=VALUE ...]", "settings, as on the command line; alone: shows them"},
    {"run", "[WORKLOAD[,...]] [OPTION=VALUE ...]", "runs these cases, or what is set; ^C stops"},
    {"trace", "[on [EVENTS] | off | dump]", "records what each guest maps; prints the last one's"},
    {"faults", "", "DMA faults that VT-d recorded since boot"},
    {"domains", "", "VT-d units, and which devices may reach memory"},
    {"results", "[FROM [TO]]", "prints records again, by their seq"},
    {"reboot", "", "restarts the machine"},
    {"exit", "", "leaves as exit= says"},
    {NULL, NULL, NULL},
};

static void (*const serve[])(const char *rest) = {help,   status,  stats,   set,    run,  trace,
                                                  faults, domains, results, reboot, leave};

_Static_assert(sizeof serve / sizeof serve[0] + 1 == sizeof commands / sizeof commands[0],
               "a function for each command");

static void help(const char *rest)
{
    if (strcmp(rest, "options") == 0) {
        show_options();
        return;
    }
    for (unsigned i = 0; commands[i].name; i++)
        show("  %-8s%-36s%s", commands[i].name, commands[i].arguments, commands[i].help);
}

static void serve_line(const char *line)
{
    char error[OPTIONS_ERROR_TEXT];
    const char *rest;
    int which = command_find(line, commands, &rest, error, sizeof error);

    if (which == -EINVAL)
        show("%s", error);
    else if (which >= 0)
        serve[which](rest);
}

static void serve_event(enum lineedit_event event)
{
    switch (event) {
    case LINEEDIT_MORE:
        return;
    case LINEEDIT_LINE:
        serve_line(edit.text);
        break;
    case LINEEDIT_CANCEL:
        break;
    case LINEEDIT_LONG:
        show("longer than %d bytes: nothing was done", LINEEDIT_BYTES - 1);
        break;
    case LINEEDIT_DAMAGED:
        show("the line came damaged (noise, or bytes lost): nothing was done, send it again");
        break;
    }
    lineedit_show(&edit);
}

/* A line that was under way while nobody listened is none. */
static void forget_input(void)
{
    while (log_get() != -EAGAIN)
        ;
}

enum exit_code shell_run(struct options *o, const struct boot_module *image,
                         struct pci_function *nic, const struct cpu_ops *cpu, enum exit_code code)
{
    shell.o = o;
    shell.image = image;
    shell.nic = nic;
    shell.cpu = cpu;
    shell.code = code;
    /* What the command line asked for has run: a later `run` begins at its first case. */
    o->resume = 1;
    forget_input();
    lineedit_init(&edit, PROMPT, log_write);
    show("help lists the commands");
    for (lineedit_show(&edit);;) {
        int byte = log_get();

        if (byte >= 0)
            serve_event(lineedit_put(&edit, (uint8_t)byte));
        else if (byte == -EAGAIN)
            env_pause();
        else
            lineedit_damage(&edit);
    }
}

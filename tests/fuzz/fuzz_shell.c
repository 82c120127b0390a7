/* SPDX-License-Identifier: MIT */
/* The serial line, as bytes that a person or noise may send: the editor, commands, options, plans.
 */
#include <string.h>
#include "kernel/command.h"
#include "kernel/lineedit.h"
#include "kernel/plan.h"
#include "tests/fuzz/fuzz.h"

static const struct command table[] = {
    {"set", "[OPTION]", ""}, {"results", "[FROM]", ""}, {"help", "", ""}, {NULL, NULL, NULL}};

static struct options options;
static struct plan plan;
static struct plan_walk walk;

static void write_nothing(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        HOLDS(text[i] == '\a' || text[i] == '\r' || text[i] == '\n' || text[i] == 0x1b ||
              (text[i] >= ' ' && text[i] <= '~'));
}

static void use_line(const char *line)
{
    char error[OPTIONS_ERROR_TEXT] = "";
    struct options changed = options;
    const char *rest;
    uint64_t numbers[2];
    int which = command_find(line, table, &rest, error, sizeof error);

    HOLDS((which == -22) == (error[0] != 0) && strlen(error) < sizeof error);
    if (which == 1)
        HOLDS(command_numbers(rest, numbers, 2) <= 2);
    if (which != 0)
        return;
    if (options_change(rest, OPTIONS_SHELL, &changed, error) == 0)
        options = changed;
    else
        HOLDS(error[0] != 0 && strlen(error) < sizeof error);
}

/* The numbers of a walk are those that were promised. */
static void use_plan(const char *text, size_t bytes)
{
    char error[PLAN_ERROR_TEXT] = "";

    if (plan_read(&plan, "p", text, bytes, &options, error) != 0) {
        HOLDS(error[0] != 0);
        return;
    }
    plan_begin(&walk, &plan);
    while (walk.number < 1000 && plan_next(&walk))
        HOLDS(plan_line_number(&walk) > 0);
    HOLDS(walk.number == (plan.cases < 1000 ? plan.cases : 1000));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct lineedit edit;
    char error[OPTIONS_ERROR_TEXT];

    HOLDS(options_parse("unsafe-dma", &options, error) == 0);
    lineedit_init(&edit, "> ", write_nothing);
    for (size_t i = 0; i < bytes; i++) {
        enum lineedit_event event = lineedit_put(&edit, data[i]);

        HOLDS(edit.at <= edit.used && edit.used < LINEEDIT_BYTES);
        HOLDS(strlen(edit.text) == edit.used || event == LINEEDIT_LINE || event == LINEEDIT_LONG ||
              event == LINEEDIT_DAMAGED);
        if (event == LINEEDIT_LINE)
            use_line(edit.text);
    }
    use_plan((const char *)data, bytes);
    return 0;
}

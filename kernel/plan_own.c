/* SPDX-License-Identifier: MIT */
/* The plans that are part of the image: kernel/plans, by way of plans.asm. */
#include <string.h>
#include "kernel/plan.h"

#define PLANS(of) of(exact) of(quick) of(paper) of(full)

#define DECLARE(name) extern const char plan_##name##_text[], plan_##name##_end[];
PLANS(DECLARE)

#define ROW(name) {#name, plan_##name##_text, plan_##name##_end},
static const struct {
    const char *name;
    const char *text, *end;
} plans[] = {PLANS(ROW)};

const char plan_own_names[] = "exact quick paper full";

bool plan_find_own(const char *name, const char **text, size_t *bytes)
{
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
        if (strcmp(plans[i].name, name) != 0)
            continue;
        *text = plans[i].text;
        *bytes = (size_t)(plans[i].end - plans[i].text);
        return true;
    }
    return false;
}

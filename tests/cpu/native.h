/* SPDX-License-Identifier: MIT */
/* What cases of the native backend have in common. */
#ifndef TESTS_CPU_NATIVE_H
#define TESTS_CPU_NATIVE_H

#include "kernel/x86.h"
#include "tests/cpu/test.h"

#define FLAGS 0x8d5ull /* CF PF AF ZF SF OF */

#define NATIVE_CASE(fn) CASE_OF("native", fn)

static inline struct cpu_state state_of(const struct guest *g)
{
    struct cpu_state state;

    cpu->get_state(&g->vcpu, &state);
    return state;
}

static inline void set_flags(struct guest *g, uint64_t flags)
{
    struct cpu_state state = state_of(g);

    state.rflags = flags | RFLAGS_ONE;
    cpu->set_state(&g->vcpu, &state);
}

#endif

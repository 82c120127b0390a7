/* SPDX-License-Identifier: MIT */
#include "kernel/x86.h"
#include "tests/cpu/exceptions.h"
#include "tests/cpu/test.h"

#define CR0_TS    (1ull << 3)
#define READ_ONLY (GUEST_DATA + PAGE_SIZE)
#define NO_EXEC   (GUEST_DATA + 0x123)
#define RESERVED  0x10800000ull
#define NOT_THERE 0x20000abcull
#define PF_P      1u
#define PF_W      2u
#define PF_RSVD   8u
#define PF_FETCH  16u

#define DECLARE(name) extern const uint8_t guest_##name[]
DECLARE(de);
DECLARE(de_at);
DECLARE(step);
DECLARE(step_after);
DECLARE(bp);
DECLARE(bp_after);
DECLARE(ud);
DECLARE(nm);
DECLARE(np);
DECLARE(np_at);
DECLARE(ss);
DECLARE(ss_at);
DECLARE(gp);
DECLARE(gp_at);
DECLARE(gp_selector);
DECLARE(gp_selector_at);
DECLARE(pf_read);
DECLARE(pf_write);
DECLARE(pf_exec);

const struct exception_row exception_rows[EXCEPTION_ROWS] = {
    {"#DE", guest_de, guest_de_at, VECTOR_DE, false, 0, 0},
    {"#DB", guest_step, guest_step_after, VECTOR_DB, false, 0, 0},
    {"#BP", guest_bp, guest_bp_after, VECTOR_BP, false, 0, 0},
    {"#UD", guest_ud, guest_ud, VECTOR_UD, false, 0, 0},
    {"#NM", guest_nm, guest_nm, VECTOR_NM, false, 0, 0},
    {"#NP", guest_np, guest_np_at, VECTOR_NP, true, GUEST_ABSENT_SELECTOR, 0},
    {"#SS", guest_ss, guest_ss_at, VECTOR_SS, true, GUEST_ABSENT_SELECTOR, 0},
    {"#GP(0)", guest_gp, guest_gp_at, VECTOR_GP, true, 0, 0},
    {"#GP(selector)", guest_gp_selector, guest_gp_selector_at, VECTOR_GP, true, 0x1000, 0},
    {"#PF, read of an absent page", guest_pf_read, guest_pf_read, VECTOR_PF, true, 0, NOT_THERE},
    {"#PF, write to an absent page", guest_pf_write, guest_pf_write, VECTOR_PF, true, PF_W,
     NOT_THERE},
    {"#PF, write to a read-only page", guest_pf_write, guest_pf_write, VECTOR_PF, true, PF_P | PF_W,
     READ_ONLY + 8},
    {"#PF, execution of an NX page", guest_pf_exec, (const uint8_t *)NO_EXEC, VECTOR_PF, true,
     PF_P | PF_FETCH, NO_EXEC},
    {"#PF, reserved bit", guest_pf_read, guest_pf_read, VECTOR_PF, true, PF_P | PF_RSVD, RESERVED},
};

uint32_t exception_no_gate(uint8_t vector, bool external)
{
    return is_svm() ? vector * 16u + 2 : vector * 8u + 2 + external;
}

uint32_t exception_error(uint32_t error)
{
    return error & PF_RSVD ? error | PF_P : error;
}

void exception_set_up(struct guest *g, const struct exception_row *row)
{
    struct cpu_state state;

    guest_start(g, row->code);
    g->vcpu.regs.rax = row->address;
    *guest_entry(g, READ_ONLY, 1) = READ_ONLY | PTE_P;
    *guest_entry(g, NO_EXEC, 1) = align_down(NO_EXEC, PAGE_SIZE) | PTE_P | PTE_W | PTE_NX;
    *guest_entry(g, RESERVED, 1) = GUEST_DATA | 1ull << 51 | PTE_P;
    cpu->get_state(&g->vcpu, &state);
    state.cr0 = row->vector == VECTOR_NM ? state.cr0 | CR0_TS : state.cr0 & ~CR0_TS;
    cpu->set_state(&g->vcpu, &state);
}

/* SPDX-License-Identifier: MIT */
/* A guest's registers: as they are to be at the start, and kept over every exit. */
#include <string.h>
#include "kernel/time.h"
#include "kernel/x86.h"
#include "tests/cpu/test.h"

#define FLAGS       0x8d5ull /* CF PF AF ZF SF OF */
#define FPU_CONTROL 0x37f
#define FPU_MXCSR   0x1f80

#define DECLARE(name) extern const uint8_t guest_##name[]
DECLARE(add_numbers);
DECLARE(flags);
DECLARE(fpu_save);
DECLARE(fpu_set);
DECLARE(segments);
DECLARE(system);
DECLARE(tsc);

#define REGISTERS 15 /* in struct cpu_regs, before rip */

/* FXSAVE's area (SDM volume 1, section 10.5.1). */
struct fxsave {
    uint16_t control, status;
    uint8_t tag, reserved;
    uint16_t opcode;
    uint64_t ip, dp;
    uint32_t mxcsr, mxcsr_mask;
    uint8_t st[8][16], xmm[16][16];
};

static void general_registers(struct guest *g)
{
    uint64_t *r = (uint64_t *)&g->vcpu.regs;

    guest_start(g, guest_add_numbers);
    for (unsigned i = 0; i < REGISTERS; i++)
        r[i] = 0x1111111111111111ull * (i + 1);
    EXPECT_POINT(g, 1);
    for (unsigned i = 0; i < REGISTERS; i++) {
        test_row("register %u", i);
        EXPECT_EQ(r[i], 0x1111111111111111ull * (i + 1));
        r[i] = 0x0101010101010100ull * (i + 1);
    }
    EXPECT_POINT(g, 2);
    for (unsigned i = 0; i < REGISTERS; i++) {
        test_row("register %u, changed by the host", i);
        EXPECT_EQ(r[i], 0x0101010101010100ull * (i + 1) + i + 1);
    }
}

static void they_are_0_at_first(struct guest *g)
{
    const uint64_t *r = (const uint64_t *)&g->vcpu.regs;

    for (unsigned i = 0; i < REGISTERS; i++)
        EXPECT_EQ(r[i], 0);
}

static void flags(struct guest *g)
{
    struct cpu_state state;

    guest_start(g, guest_flags);
    EXPECT_POINT(g, 1);
    cpu->get_state(&g->vcpu, &state);
    EXPECT_EQ(state.rflags, RFLAGS_ONE);
    state.rflags |= FLAGS;
    cpu->set_state(&g->vcpu, &state);
    g->vcpu.regs.rbx = 0x400 | RFLAGS_ONE; /* DF */
    EXPECT_POINT(g, 2);
    EXPECT_EQ(g->vcpu.regs.rax, FLAGS | RFLAGS_ONE);
    cpu->get_state(&g->vcpu, &state);
    EXPECT_EQ(state.rflags, 0x400 | RFLAGS_ONE);
}

/* What set_state says the guest reads, and what the guest writes get_state says. */
static void system_registers(struct guest *g)
{
    struct cpu_state state, after;

    guest_start(g, guest_system);
    cpu->get_state(&g->vcpu, &state);
    state.cr2 = 0x7654321;
    cpu->set_state(&g->vcpu, &state);
    EXPECT_POINT(g, 1);
    EXPECT_EQ(g->vcpu.regs.rax, GUEST_STACK_TOP);
    EXPECT_EQ(g->vcpu.regs.rbx, 0x7654321);
    EXPECT_EQ(g->vcpu.regs.rcx, GUEST_ROOT);
    cpu->get_state(&g->vcpu, &after);
    EXPECT_EQ(after.cr2, 0x9876543210);
    EXPECT_EQ(after.rsp, GUEST_STACK_TOP - 64);
    EXPECT_EQ(after.cr3, state.cr3);
    EXPECT_EQ(after.cr0, state.cr0);
    EXPECT_EQ(after.cr4, state.cr4);
    EXPECT_EQ(after.efer, state.efer);
    EXPECT_EQ(after.efer, EFER_NXE | EFER_LMA | EFER_LME);
}

static void segments_are_0_at_first(struct guest *g)
{
    const struct cpu_regs *r = &g->vcpu.regs;

    guest_start(g, guest_segments);
    if (is_vmx()) /* which tells nothing finer than "a descriptor table" */
        EXPECT_EXIT(g, CPU_EXIT_IDT_LOAD);
    EXPECT_POINT(g, 1);
    EXPECT_EQ(r->rax | r->rbx | r->rcx | r->rdx | r->rsi | r->rdi | r->r8 | r->r9, 0);
}

static void segments_of_its_own(struct guest *g)
{
    const struct cpu_regs *r = &g->vcpu.regs;

    EXPECT(guest_prepare(g));
    guest_start(g, guest_segments);
    EXPECT_POINT(g, 1);
    EXPECT_EQ(r->rax, GUEST_CODE_SELECTOR);
    EXPECT_EQ(r->rbx, GUEST_DATA_SELECTOR);
    EXPECT_EQ(r->r8, GUEST_TSS_SELECTOR);
}

static void tsc_is_offset(struct guest *g)
{
    static const uint64_t offsets[] = {0, 1ull << 40, -(1ull << 33)};

    for (unsigned i = 0; i < 3; i++) {
        uint64_t before, after, guest;

        test_row("offset 0x%lx", offsets[i]);
        g->vcpu.tsc_offset = offsets[i];
        guest_start(g, guest_tsc);
        before = tsc_read();
        EXPECT_POINT(g, 1);
        after = tsc_read();
        guest = (g->vcpu.regs.rdx << 32 | (uint32_t)g->vcpu.regs.rax) - offsets[i];
        EXPECT(guest - before <= after - before);
    }
}

static void is_fresh(struct guest *g)
{
    static const uint8_t zero[16];
    const struct fxsave *f = guest_at(g, GUEST_DATA);

    guest_start(g, guest_fpu_save);
    EXPECT_POINT(g, 1);
    EXPECT_EQ(f->control, FPU_CONTROL);
    EXPECT_EQ(f->status, 0);
    EXPECT_EQ(f->tag, 0);
    EXPECT_EQ(f->mxcsr, FPU_MXCSR);
    for (unsigned i = 0; i < 16; i++)
        EXPECT_EQ(memcmp(f->xmm[i], zero, 16), 0);
    for (unsigned i = 0; i < 8; i++)
        EXPECT_EQ(memcmp(f->st[i], zero, 10), 0);
}

static void set_fpu(struct guest *g, uint64_t value)
{
    guest_start(g, guest_fpu_set);
    g->vcpu.regs.rax = value;
    g->vcpu.regs.rbx = value << 32;
    EXPECT_POINT(g, 1);
}

static void has_fpu(struct guest *g, uint64_t value)
{
    const struct fxsave *f = guest_at(g, GUEST_DATA);

    test_row("value 0x%lx", value);
    guest_start(g, guest_fpu_save);
    EXPECT_POINT(g, 1);
    EXPECT_EQ(f->tag, 0x80); /* one in use */
    EXPECT_EQ(f->mxcsr, (value | FPU_MXCSR) & 0xff80);
    for (uint64_t i = 0; i < 16; i++) {
        const uint64_t want = (value << 32) + i;

        EXPECT_EQ(memcmp(f->xmm[i], &want, sizeof want), 0);
    }
}

static void a_new_guest_finds_nothing_in_the_fpu(struct guest *g)
{
    struct guest other;

    is_fresh(g);
    set_fpu(g, 0x2040);
    if (guest_create(&other))
        is_fresh(&other);
    guest_destroy(&other);
}

static void the_fpu_is_kept_over_exits(struct guest *g)
{
    set_fpu(g, 0x2040);
    has_fpu(g, 0x2040);
    has_fpu(g, 0x2040);
}

static void two_guests_have_their_own_fpu(struct guest *g)
{
    struct guest other;

    if (guest_create(&other)) {
        set_fpu(g, 0x2040);
        set_fpu(&other, 0x4001);
        has_fpu(g, 0x2040);
        has_fpu(&other, 0x4001);
    }
    guest_destroy(&other);
}

static const struct test_case cases[] = {
    CASE(they_are_0_at_first),
    CASE(general_registers),
    CASE(flags),
    CASE(system_registers),
    CASE(segments_are_0_at_first),
    CASE(segments_of_its_own),
    CASE(tsc_is_offset),
    CASE(a_new_guest_finds_nothing_in_the_fpu),
    CASE(the_fpu_is_kept_over_exits),
    CASE(two_guests_have_their_own_fpu),
};

GROUP(state);

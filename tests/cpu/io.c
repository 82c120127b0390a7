/* SPDX-License-Identifier: MIT */
/* Every port leaves, whatever the width and wherever the bitmaps end. */
#include "tests/cpu/test.h"

#define DECLARE(name) extern const uint8_t guest_##name[]
DECLARE(out8);
DECLARE(out16);
DECLARE(out32);
DECLARE(in8);
DECLARE(in16);
DECLARE(in32);
DECLARE(in8_short);
DECLARE(outsb);
DECLARE(insw);
DECLARE(rep_outsd);
DECLARE(rep_insb);

struct row {
    const uint8_t *code;
    const char *name;
    uint8_t bytes;
    bool write, string;
};

static const struct row plain[] = {
    {guest_out8, "OUT of 1 byte", 1, true, false},
    {guest_out16, "OUT of 2 bytes", 2, true, false},
    {guest_out32, "OUT of 4 bytes", 4, true, false},
    {guest_in8, "IN of 1 byte", 1, false, false},
    {guest_in16, "IN of 2 bytes", 2, false, false},
    {guest_in32, "IN of 4 bytes", 4, false, false},
};

static const struct row strings[] = {
    {guest_outsb, "OUTSB", 1, true, true},
    {guest_insw, "INSW", 2, false, true},
    {guest_rep_outsd, "REP OUTSD", 4, true, true},
    {guest_rep_insb, "REP INSB", 1, false, true},
};

/* Nothing has happened yet: the registers are as they were. */
static void leaves(struct guest *g, const struct row *row, uint16_t port)
{
    test_row("%s, port 0x%x", row->name, port);
    guest_start(g, row->code);
    g->vcpu.regs.rdx = port;
    g->vcpu.regs.rax = 0x1122334455667788;
    g->vcpu.regs.rcx = 3;
    g->vcpu.regs.rsi = g->vcpu.regs.rdi = GUEST_DATA;
    EXPECT_EXIT(g, CPU_EXIT_IO);
    EXPECT_EQ(g->exit.io.port, port);
    EXPECT_EQ(g->exit.io.bytes, row->bytes);
    EXPECT_EQ(g->exit.io.write, row->write);
    EXPECT_EQ(g->exit.io.string, row->string);
    EXPECT_EQ(g->exit.raw, is_svm() ? 0x7b : 30);
    EXPECT_EQ(g->vcpu.regs.rip, (uint64_t)row->code);
    EXPECT_EQ(g->vcpu.regs.rax, 0x1122334455667788);
    EXPECT_EQ(g->vcpu.regs.rcx, 3);
    EXPECT_EQ(g->vcpu.regs.rsi, GUEST_DATA);
    EXPECT_EQ(g->vcpu.regs.rdi, GUEST_DATA);
}

/* The bitmaps end at 0x7fff, at 0xffff, and behind that for accesses that wrap around. */
static void every_width_at_every_edge(struct guest *g)
{
    static const uint16_t ports[] = {0,      1,      0x60,   0xcf8,  0x3f8,  0x7ffd,
                                     0x7fff, 0x8000, 0xfffc, 0xfffd, 0xfffe, 0xffff};

    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        for (size_t j = 0; j < sizeof ports / sizeof ports[0]; j++)
            leaves(g, &plain[i], ports[j]);
}

static void strings_leave_before_they_begin(struct guest *g)
{
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        leaves(g, &strings[i], 0x1f0);
}

/* With the port in the instruction. */
static void short_form(struct guest *g)
{
    guest_start(g, guest_in8_short);
    EXPECT_EXIT(g, CPU_EXIT_IO);
    EXPECT_EQ(g->exit.io.port, 0xff);
    EXPECT(!g->exit.io.write);
}

static const struct test_case cases[] = {
    CASE(every_width_at_every_edge),
    CASE(strings_leave_before_they_begin),
    CASE(short_form),
};

GROUP(io);

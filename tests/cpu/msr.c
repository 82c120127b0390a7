/* SPDX-License-Identifier: MIT */
/* The MSR bitmaps at their edges, and the MSRs that are the guest's own. */
#include "kernel/x86.h"
#include "tests/cpu/test.h"

extern const uint8_t guest_rdmsr[], guest_wrmsr[];

#define SYSENTER_CS 0x174u
#define SFMASK      0xc0000084u
#define FS_BASE     0xc0000100u
#define GS_BASE     0xc0000101u

/* First and last of what a bitmap covers, those beside, and some that matter. */
static const uint32_t intercepted[] = {
    0,          0x10,       0x1b,       0x173,      0x177,      0x277,
    0x1fff,     0x2000,     0xbfffffff, 0xc0000000, 0xc0000080, 0xc0000085,
    0xc00000ff, 0xc0000103, 0xc0001fff, 0xc0002000, 0xc0010117, 0xffffffff,
};

/* With junk above the halves of the value, which are 32 bits each. Not above the index on SVM:
 * QEMU's TCG looks the whole of RCX up in the map. */
static void set(struct guest *g, uint32_t index, uint64_t value)
{
    g->vcpu.regs.rcx = (is_svm() ? 0 : 0xfeedfeed00000000ull) | index;
    g->vcpu.regs.rax = 0xbad1bad100000000ull | (uint32_t)value;
    g->vcpu.regs.rdx = 0xbad2bad200000000ull | value >> 32;
}

static void reads_exit(struct guest *g)
{
    for (size_t i = 0; i < sizeof intercepted / sizeof intercepted[0]; i++) {
        test_row("MSR %x", intercepted[i]);
        guest_start(g, guest_rdmsr);
        set(g, intercepted[i], 0);
        EXPECT_EXIT(g, CPU_EXIT_RDMSR);
        EXPECT_EQ(g->exit.msr.index, intercepted[i]);
        EXPECT_EQ(g->exit.length, 2);
        EXPECT_EQ(g->exit.raw, is_svm() ? 0x7c : 31);
        EXPECT_EQ(g->vcpu.regs.rip, (uint64_t)guest_rdmsr);
        guest_skip(g);
        EXPECT_POINT(g, 1);
    }
}

static void writes_exit(struct guest *g)
{
    for (size_t i = 0; i < sizeof intercepted / sizeof intercepted[0]; i++) {
        test_row("MSR %x", intercepted[i]);
        guest_start(g, guest_wrmsr);
        set(g, intercepted[i], 0x1234567890abcdef);
        EXPECT_EXIT(g, CPU_EXIT_WRMSR);
        EXPECT_EQ(g->exit.msr.index, intercepted[i]);
        EXPECT_EQ(g->exit.msr.value, 0x1234567890abcdef);
        EXPECT_EQ(g->exit.length, 2);
        EXPECT_EQ(g->exit.raw, is_svm() ? 0x7c : 32);
        guest_skip(g);
        EXPECT_POINT(g, 1);
    }
}

/* No two MSRs of one guest have the same, nor two guests. SYSENTER_CS and SFMASK may be 32 bits
 * wide. */
static uint64_t own_value(unsigned i, unsigned guest)
{
    bool narrow = cpu_guest_msrs[i] == SYSENTER_CS || cpu_guest_msrs[i] == SFMASK;

    return (narrow ? 0x100u : 0x123456700000ull) + guest * 64 + i;
}

static void write_own(struct guest *g, unsigned guest)
{
    for (unsigned i = 0; i < CPU_GUEST_MSRS; i++) {
        test_row("MSR %x", cpu_guest_msrs[i]);
        guest_start(g, guest_wrmsr);
        set(g, cpu_guest_msrs[i], own_value(i, guest));
        EXPECT_POINT(g, 1);
    }
}

static void read_own(struct guest *g, unsigned guest)
{
    for (unsigned i = 0; i < CPU_GUEST_MSRS; i++) {
        test_row("MSR %x of guest %u", cpu_guest_msrs[i], guest);
        guest_start(g, guest_rdmsr);
        set(g, cpu_guest_msrs[i], 0);
        EXPECT_POINT(g, 1);
        EXPECT_EQ((uint32_t)g->vcpu.regs.rax | g->vcpu.regs.rdx << 32, own_value(i, guest));
    }
}

static void own_ones_do_not_exit(struct guest *g)
{
    write_own(g, 0);
    read_own(g, 0);
}

static void own_ones_are_0_at_first(struct guest *g)
{
    for (unsigned i = 0; i < CPU_GUEST_MSRS; i++) {
        test_row("MSR %x", cpu_guest_msrs[i]);
        guest_start(g, guest_rdmsr);
        set(g, cpu_guest_msrs[i], ~0ull);
        EXPECT_POINT(g, 1);
        EXPECT_EQ((uint32_t)g->vcpu.regs.rax | g->vcpu.regs.rdx << 32, 0);
    }
}

static void two_guests_have_their_own(struct guest *g)
{
    struct guest other;

    if (guest_create(&other)) {
        write_own(g, 0);
        write_own(&other, 1);
        read_own(g, 0);
        read_own(&other, 1);
    }
    guest_destroy(&other);
}

/* Those that the hypervisor's own code would stumble over: as they were when it started. */
static void the_hosts_are_kept(struct guest *g)
{
    static const uint32_t hosts[] = {FS_BASE, GS_BASE, SYSENTER_CS};
    const uint64_t before[] = {rdmsr(FS_BASE), rdmsr(GS_BASE), rdmsr(SYSENTER_CS)};

    write_own(g, 0);
    for (unsigned i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        test_row("MSR %x of the host", hosts[i]);
        EXPECT_EQ(rdmsr(hosts[i]), before[i]);
    }
}

static const struct test_case cases[] = {
    CASE(reads_exit),
    CASE(writes_exit),
    CASE(own_ones_are_0_at_first),
    CASE(own_ones_do_not_exit),
    CASE(two_guests_have_their_own),
    CASE(the_hosts_are_kept),
};

GROUP(msr);

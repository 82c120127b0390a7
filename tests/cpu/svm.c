/* SPDX-License-Identifier: MIT */
/* SVM's own: VMCBs that the processor refuses, one by one, and what the backend says of them. */
#include "kernel/cpu/svm.h"
#include "kernel/mem.h"
#include "kernel/x86.h"
#include "tests/cpu/test.h"

#define SVM_EXIT_PAUSE 0x77
#define SVM_1_PAUSE    (1u << 23)

#define DECLARE(name) extern const uint8_t guest_##name[]
DECLARE(nothing);
DECLARE(quiet);

static struct svm_vmcb *vmcb_of(struct guest *g)
{
    return ((struct svm_vcpu *)g->vcpu.backend)->vmcb;
}

#define NOT_FOUND "an injected event, or"

/* The run of a spoilt VMCB says what is wrong with it; the one after it is of a good one. kept:
 * QEMU's TCG has not put the host's state where what is wrong was, so that nothing is found there.
 */
static void refused(struct guest *g, const char *words, bool kept)
{
    guest_run(g);
    if (g->exit.reason == CPU_EXIT_IO)
        SKIP("this emulator does not check it");
    EXPECT_EQ(g->exit.reason, CPU_EXIT_ENTRY_FAILED);
    if (kept)
        EXPECT_WORDS(g->exit.what, words);
    else
        EXPECT_WORDS(g->exit.what, NOT_FOUND);
    EXPECT_EQ((uint32_t)g->exit.raw, SVM_EXIT_INVALID);
    EXPECT_EQ(g->exit.length, 0);
    guest_start(g, guest_nothing);
    EXPECT_POINT(g, 1);
}

#define REFUSED(name, spoil, words) REFUSED_AS(name, spoil, words, true)
#define REFUSED_LOST(name, spoil)   REFUSED_AS(name, spoil, "", false)
#define REFUSED_AS(name, spoil, words, kept)          \
    static void name(struct guest *g)                 \
    {                                                 \
        struct svm_control *c = &vmcb_of(g)->control; \
        struct svm_save *s = &vmcb_of(g)->save;       \
                                                      \
        guest_start(g, guest_nothing);                \
        (void)c;                                      \
        (void)s;                                      \
        spoil;                                        \
        refused(g, words, kept);                      \
    }

REFUSED(vmrun_not_intercepted, c->intercept2 &= ~SVM_2_VMRUN, "VMRUN is not intercepted")
REFUSED(asid_0, c->asid = 0, "the ASID is 0")
REFUSED(io_map, c->io_map = 1ull << 52, "the I/O map")
REFUSED(msr_map, c->msr_map = 1ull << 52, "the MSR map")
REFUSED(nested_cr3, c->nested_cr3 |= 1ull << 52, "the nested table")
REFUSED(bad_event, c->inject = SVM_EVENT_VALID | 1ull << 8 | 3, NOT_FOUND)
REFUSED(efer_svme, s->efer &= ~SVM_EFER_SVME, "EFER.SVME")
REFUSED(efer_reserved, s->efer |= 1ull << 40, "EFER has reserved bits")
REFUSED_LOST(cr0_nw_without_cd, s->cr0 |= CR0_NW)
REFUSED_LOST(cr0_upper_half, s->cr0 |= 1ull << 32)
REFUSED_LOST(cr3_reserved, s->cr3 |= 1ull << 60)
REFUSED_LOST(cr4_reserved, s->cr4 |= 1ull << 31)
REFUSED(cr4_pae, s->cr4 &= ~CR4_PAE, "CR4.PAE")
REFUSED(cr0_pe, s->cr0 &= ~CR0_PE, "CR0.PE")
REFUSED(dr6_upper_half, s->dr6 |= 1ull << 32, "DR6 or DR7")
REFUSED(dr7_upper_half, s->dr7 |= 1ull << 32, "DR6 or DR7")
REFUSED(cs_of_64_and_32_bits, s->cs.attributes |= 0x400, "both 64-bit and 32-bit")

/* An exit that nobody has asked for and no table knows. */
static void an_unknown_exit(struct guest *g)
{
    guest_start(g, guest_quiet);
    vmcb_of(g)->control.intercept1 |= SVM_1_PAUSE;
    EXPECT_EXIT(g, CPU_EXIT_UNKNOWN);
    EXPECT_EQ(g->exit.raw, SVM_EXIT_PAUSE);
    EXPECT_EQ(g->vcpu.regs.rip, (uint64_t)guest_quiet);
}

#define SVM_CASE(fn) CASE_OF("svm", fn)
static const struct test_case cases[] = {
    SVM_CASE(vmrun_not_intercepted),
    SVM_CASE(asid_0),
    SVM_CASE(io_map),
    SVM_CASE(msr_map),
    SVM_CASE(nested_cr3),
    SVM_CASE(bad_event),
    SVM_CASE(efer_svme),
    SVM_CASE(efer_reserved),
    SVM_CASE(cr0_nw_without_cd),
    SVM_CASE(cr0_upper_half),
    SVM_CASE(cr3_reserved),
    SVM_CASE(cr4_reserved),
    SVM_CASE(cr4_pae),
    SVM_CASE(cr0_pe),
    SVM_CASE(dr6_upper_half),
    SVM_CASE(dr7_upper_half),
    SVM_CASE(cs_of_64_and_32_bits),
    SVM_CASE(an_unknown_exit),
};

GROUP(svm);

/* SPDX-License-Identifier: MIT */
/*
 * The processor says of a VMCB that it is wrong, and no more. These are its checks again, in
 * software and with names (APM volume 2, section 15.5.1, "Canonicalization and Consistency
 * Checks"). Guest input never gets this far: what is found here is a defect of this hypervisor, or
 * of the processor.
 */
#include "kernel/cpu/svm.h"
#include "kernel/x86.h"

#define EFER_KNOWN  0x36fd01ull /* AIBRSE is the highest */
#define CR4_KNOWN   0xf71fffull /* CET is the highest */
#define CODE_LONG   0x200u      /* of a segment's attributes: L */
#define CODE_32     0x400u      /* D */
#define UPPER_HALF  0xffffffff00000000ull
#define FRAME_MBZ   0xfff0000000000000ull
#define PAGE_OFFSET 0xfffull

struct check {
    uint64_t is_wrong; /* not 0 */
    const char *words;
};

static const char *first_wrong(const struct check *checks, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (checks[i].is_wrong)
            return checks[i].words;
    return NULL;
}

static const char *check_save(const struct svm_save *s)
{
    bool is_long = (s->efer & EFER_LME) && (s->cr0 & CR0_PG);
    const struct check checks[] = {
        {!(s->efer & SVM_EFER_SVME), "EFER.SVME is clear in the guest's state"},
        {(s->cr0 & CR0_NW) && !(s->cr0 & CR0_CD), "CR0.NW is set without CR0.CD"},
        {s->cr0 & UPPER_HALF, "CR0 has bits above 31"},
        {is_long && (s->cr3 & FRAME_MBZ), "CR3 has reserved bits"},
        {s->cr4 & ~CR4_KNOWN, "CR4 has reserved bits"},
        {(s->dr6 | s->dr7) & UPPER_HALF, "DR6 or DR7 has bits above 31"},
        {s->efer & ~EFER_KNOWN, "EFER has reserved bits"},
        {is_long && !(s->cr4 & CR4_PAE), "long mode with paging, without CR4.PAE"},
        {is_long && !(s->cr0 & CR0_PE), "long mode with paging, without CR0.PE"},
        {is_long && (s->cs.attributes & CODE_LONG) && (s->cs.attributes & CODE_32),
         "a code segment that is both 64-bit and 32-bit"},
    };

    return first_wrong(checks, sizeof checks / sizeof checks[0]);
}

static const char *check_control(const struct svm_control *c)
{
    const struct check checks[] = {
        {!(c->intercept2 & SVM_2_VMRUN), "VMRUN is not intercepted"},
        {c->asid == 0, "the ASID is 0, the host's"},
        {c->io_map == 0 || (c->io_map & (FRAME_MBZ | PAGE_OFFSET)), "the I/O map's address"},
        {c->msr_map == 0 || (c->msr_map & (FRAME_MBZ | PAGE_OFFSET)), "the MSR map's address"},
        {c->nested_cr3 & (FRAME_MBZ | PAGE_OFFSET), "the nested table's address"},
    };

    return first_wrong(checks, sizeof checks / sizeof checks[0]);
}

const char *svm_check(const struct svm_vmcb *vmcb)
{
    const char *why = check_save(&vmcb->save);

    if (!why)
        why = check_control(&vmcb->control);
    return why ? why : "an injected event, or a check newer than the ones known here";
}

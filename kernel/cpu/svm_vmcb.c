/* SPDX-License-Identifier: MIT */
/*
 * A guest before its first instruction, and everything it will be stopped at. What is left to it:
 * its own page tables (CR3), its TSC, and the MSRs that VMLOAD and VMSAVE switch.
 */
#include <string.h>
#include "kernel/cpu/nested.h"
#include "kernel/cpu/svm.h"
#include "kernel/mem.h"
#include "kernel/x86.h"

#define DR6_RESET 0xffff0ff0u
#define DR7_RESET 0x400u
#define PAT_RESET 0x0007040600070406ull

/* CR2 and CR3 are the guest's. */
#define CR_WRITES ((uint16_t) ~(1u << 2 | 1u << 3))
#define ALL_DR    0xffffu
/* Before the guest has a table of handlers each one would end in a shutdown that tells nothing. */
#define ALL_EXCEPTIONS UINT32_MAX

#define INTERCEPT1                                                                             \
    (SVM_1_INTR | SVM_1_NMI | SVM_1_SMI | SVM_1_INIT | SVM_1_IDTR_WRITE | SVM_1_RDPMC |        \
     SVM_1_CPUID | SVM_1_RSM | SVM_1_INVD | SVM_1_HLT | SVM_1_INVLPGA | SVM_1_IO | SVM_1_MSR | \
     SVM_1_TASK_SWITCH | SVM_1_FERR_FREEZE | SVM_1_SHUTDOWN)
#define INTERCEPT2                                                                         \
    (SVM_2_VMRUN | SVM_2_VMMCALL | SVM_2_VMLOAD | SVM_2_VMSAVE | SVM_2_STGI | SVM_2_CLGI | \
     SVM_2_SKINIT | SVM_2_WBINVD | SVM_2_MONITOR | SVM_2_MWAIT | SVM_2_XSETBV | SVM_2_RDPRU)

/* Descriptor bits: present, ring 0, accessed. */
#define ATTRIBUTES_CODE 0xa9bu /* 64-bit code, readable */
#define ATTRIBUTES_DATA 0xc93u /* writable */
#define ATTRIBUTES_LDT  0x082u
#define ATTRIBUTES_TSS  0x08bu

static _Alignas(4096) uint8_t io_map[SVM_IO_MAP_BYTES];
static _Alignas(4096) uint8_t msr_map[SVM_MSR_MAP_BYTES];

/* Two bits an MSR: 2 KiB for the MSRs from 0 on, then 2 KiB for those from 0xc0000000 on. */
static void allow_msr(uint32_t msr)
{
    uint32_t at = (msr >= 0xc0000000u ? 2048 : 0) + (msr & 0x1fff) / 4;

    msr_map[at] &= (uint8_t) ~(3u << 2 * (msr % 4));
}

void svm_maps_init(void)
{
    memset(io_map, 0xff, sizeof io_map);
    memset(msr_map, 0xff, sizeof msr_map);
    for (size_t i = 0; i < CPU_GUEST_MSRS; i++)
        allow_msr(cpu_guest_msrs[i]);
}

static void init_control(struct svm_control *c, const struct nested_table *nested)
{
    c->cr_write = CR_WRITES;
    c->dr_read = ALL_DR;
    c->dr_write = ALL_DR;
    c->exceptions = ALL_EXCEPTIONS;
    c->intercept1 = INTERCEPT1;
    c->intercept2 = INTERCEPT2;
    c->io_map = virt_to_phys(io_map).v;
    c->msr_map = virt_to_phys(msr_map).v;
    c->asid = SVM_ASID;
    c->interrupts = SVM_INTR_MASKING;
    c->nested = SVM_NESTED_PAGING;
    c->nested_cr3 = nested_root(nested).v;
}

static void init_save(struct svm_save *s)
{
    const struct svm_segment data = {.attributes = ATTRIBUTES_DATA, .limit = UINT32_MAX};

    s->cs = (struct svm_segment){.attributes = ATTRIBUTES_CODE, .limit = UINT32_MAX};
    s->ds = s->es = s->ss = s->fs = s->gs = data;
    s->ldtr.attributes = ATTRIBUTES_LDT;
    s->tr.attributes = ATTRIBUTES_TSS;
    s->dr6 = DR6_RESET;
    s->dr7 = DR7_RESET;
    s->pat = PAT_RESET;
    s->rflags = RFLAGS_ONE;
    s->cr0 = CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE;
    /* With SSE ready: the guest could not turn it on itself. */
    s->cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    s->efer = EFER_NXE | EFER_LMA | EFER_LME | SVM_EFER_SVME; /* VMRUN refuses without SVME */
}

void svm_vmcb_init(struct svm_vmcb *vmcb, const struct nested_table *nested)
{
    memset(vmcb, 0, sizeof *vmcb);
    init_control(&vmcb->control, nested);
    init_save(&vmcb->save);
}

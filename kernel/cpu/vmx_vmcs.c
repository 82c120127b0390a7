/* SPDX-License-Identifier: MIT */
/*
 * The VMCS of a guest before its first instruction: the host it comes back to, what it is stopped
 * at, and its own state. What is left to the guest: its page tables (CR3), its TSC and
 * cpu_guest_msrs.
 */
#include <string.h>
#include "kernel/cpu/vmx.h"
#include "kernel/mem.h"
#include "kernel/panic.h"
#include "kernel/percpu.h"
#include "kernel/time.h"
#include "kernel/x86.h"

#define DR7_RESET         0x400u
#define MSR_SYSENTER_CS   0x174u
#define MSR_SYSENTER_ESP  0x175u
#define MSR_SYSENTER_EIP  0x176u
#define MSR_FS_BASE       0xc0000100u
#define MSR_GS_BASE       0xc0000101u
#define TSS_LIMIT         0x67u
#define MSR_BITMAP_HIGH   1024u /* offsets, section 25.6.9 */
#define MSR_BITMAP_WRITES 2048u
#define TIMER_MS          250u /* longer than the host's own tick, which then comes first */
#define VPID              1u
#define ALL_EXCEPTIONS    UINT32_MAX

static _Alignas(4096) uint8_t msr_bitmap[4096];

noreturn void panic_vmcs(enum vmx_field field);

/* From vmx_enter.asm. */
noreturn void panic_vmcs(enum vmx_field field)
{
    panic("vmx: the processor refuses access to VMCS field 0x%x", field);
}

/* One bit an MSR: reads of the low and the high MSRs, then writes of both. */
static void allow_msr(uint32_t msr)
{
    uint32_t at = (msr >= 0xc0000000u ? MSR_BITMAP_HIGH : 0) + (msr & 0x1fff) / 8;
    uint8_t keep = (uint8_t) ~(1u << msr % 8);

    msr_bitmap[at] &= keep;
    msr_bitmap[at + MSR_BITMAP_WRITES] &= keep;
}

/* Runs on each CPU that enables VMX, with the same result. */
void vmx_msr_bitmap_init(void)
{
    memset(msr_bitmap, 0xff, sizeof msr_bitmap);
    for (size_t i = 0; i < CPU_GUEST_MSRS; i++)
        allow_msr(cpu_guest_msrs[i]);
}

static void init_host(uint64_t exit)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) gdtr, idtr;

    __asm__ volatile("sgdt %0; sidt %1" : "=m"(gdtr), "=m"(idtr));
    vmx_write(VMX_HOST_CR0, read_cr0());
    vmx_write(VMX_HOST_CR3, read_cr3());
    vmx_write(VMX_HOST_CR4, read_cr4());
    vmx_write(VMX_HOST_CS, SELECTOR_CODE);
    vmx_write(VMX_HOST_SS, SELECTOR_DATA);
    vmx_write(VMX_HOST_DS, SELECTOR_DATA);
    vmx_write(VMX_HOST_ES, SELECTOR_DATA);
    vmx_write(VMX_HOST_FS, 0);
    vmx_write(VMX_HOST_GS, 0);
    vmx_write(VMX_HOST_TR, SELECTOR_TSS);
    vmx_write(VMX_HOST_FS_BASE, rdmsr(MSR_FS_BASE));
    vmx_write(VMX_HOST_GS_BASE, rdmsr(MSR_GS_BASE));
    vmx_write(VMX_HOST_TR_BASE, (uint64_t)&percpu_this()->tss);
    vmx_write(VMX_HOST_GDTR_BASE, gdtr.base);
    vmx_write(VMX_HOST_IDTR_BASE, idtr.base);
    vmx_write(VMX_HOST_SYSENTER_CS, rdmsr(MSR_SYSENTER_CS));
    vmx_write(VMX_HOST_SYSENTER_ESP, rdmsr(MSR_SYSENTER_ESP));
    vmx_write(VMX_HOST_SYSENTER_EIP, rdmsr(MSR_SYSENTER_EIP));
    vmx_write(VMX_HOST_RIP, exit);
}

/* A guest that spins with interrupts off must leave all the same; some emulators do not take it
 * out by an external interrupt then. The value is not saved at an exit: each entry starts anew. */
static void init_timer(void)
{
    uint64_t ticks = us_to_tsc(TIMER_MS * 1000) >> VMX_MISC_TIMER_SHIFT(rdmsr(VMX_MSR_MISC));

    if (vmx_controls()->pin & VMX_PIN_TIMER)
        vmx_write(VMX_TIMER, ticks < UINT32_MAX ? ticks : UINT32_MAX);
}

static void init_control(const struct vmx_vcpu *s, uint64_t eptp)
{
    const struct vmx_controls *c = vmx_controls();

    vmx_write(VMX_PIN, c->pin);
    vmx_write(VMX_PRIMARY, s->primary);
    vmx_write(VMX_SECONDARY, c->secondary);
    vmx_write(VMX_EXIT, c->exit);
    vmx_write(VMX_ENTRY, c->entry);
    /* Before the guest has a table of handlers each would end in a triple fault that tells nothing.
     */
    vmx_write(VMX_EXCEPTIONS, s->has_handlers ? VMX_EXCEPTIONS_KEPT : ALL_EXCEPTIONS);
    vmx_write(VMX_CR3_TARGETS, 0);
    vmx_write(VMX_MSR_BITMAP, virt_to_phys(msr_bitmap).v);
    vmx_write(VMX_EPTP, eptp);
    vmx_write(VMX_LINK, UINT64_MAX);
    vmx_write(VMX_TSC_OFFSET, s->tsc_offset);
    if (c->secondary & VMX_2_VPID)
        vmx_write(VMX_VPID, VPID);
    /* Every bit is the hypervisor's: the guest reads the shadow, and a change of it is an exit. */
    vmx_write(VMX_CR0_MASK, UINT64_MAX);
    vmx_write(VMX_CR4_MASK, UINT64_MAX);
    init_timer();
}

static void init_segments(void)
{
    static const struct {
        uint32_t rights, limit;
    } initial[VMX_SEGMENTS] = {
        [VMX_ES] = {VMX_RIGHTS_DATA, UINT32_MAX}, [VMX_CS] = {VMX_RIGHTS_CODE, UINT32_MAX},
        [VMX_SS] = {VMX_RIGHTS_DATA, UINT32_MAX}, [VMX_DS] = {VMX_RIGHTS_DATA, UINT32_MAX},
        [VMX_FS] = {VMX_RIGHTS_DATA, UINT32_MAX}, [VMX_GS] = {VMX_RIGHTS_DATA, UINT32_MAX},
        [VMX_LDTR] = {VMX_RIGHTS_UNUSABLE, 0},    [VMX_TR] = {VMX_RIGHTS_TSS, TSS_LIMIT},
    };

    for (unsigned i = 0; i < VMX_SEGMENTS; i++) {
        vmx_write(VMX_GUEST_SELECTOR + 2 * i, 0);
        vmx_write(VMX_GUEST_LIMIT + 2 * i, initial[i].limit);
        vmx_write(VMX_GUEST_RIGHTS + 2 * i, initial[i].rights);
        vmx_write(VMX_GUEST_BASE + 2 * i, 0);
    }
    vmx_write(VMX_GUEST_GDTR_BASE, 0);
    vmx_write(VMX_GUEST_GDTR_LIMIT, 0);
    vmx_write(VMX_GUEST_IDTR_BASE, 0);
    vmx_write(VMX_GUEST_IDTR_LIMIT, 0);
}

static void init_guest(const struct vmx_vcpu *s)
{
    init_segments();
    vmx_write(VMX_GUEST_DR7, DR7_RESET);
    vmx_write(VMX_GUEST_DEBUGCTL, 0);
    vmx_write(VMX_GUEST_SYSENTER_CS, 0);
    vmx_write(VMX_GUEST_SYSENTER_ESP, 0);
    vmx_write(VMX_GUEST_SYSENTER_EIP, 0);
    vmx_write(VMX_GUEST_PENDING_DEBUG, 0);
    vmx_write(VMX_INTERRUPTIBILITY, 0);
    vmx_write(VMX_ACTIVITY, 0);
    vmx_write(VMX_GUEST_RIP, s->rip);
    vmx_state_write(&s->state);
}

void vmx_vmcs_init(const struct vmx_vcpu *s, uint64_t eptp, uint64_t exit)
{
    init_control(s, eptp);
    init_host(exit);
    init_guest(s);
}

void vmx_state_read(struct cpu_state *state)
{
    state->rsp = vmx_read(VMX_GUEST_RSP);
    state->rflags = vmx_read(VMX_GUEST_RFLAGS);
    state->cr0 = vmx_read(VMX_CR0_SHADOW);
    state->cr3 = vmx_read(VMX_GUEST_CR3);
    state->cr4 = vmx_read(VMX_CR4_SHADOW);
}

/* What VMX fixes (NE, VMXE) is on whatever the guest reads. */
void vmx_state_write(const struct cpu_state *state)
{
    vmx_write(VMX_GUEST_RSP, state->rsp);
    vmx_write(VMX_GUEST_RFLAGS, state->rflags);
    vmx_write(VMX_CR0_SHADOW, state->cr0);
    vmx_write(VMX_GUEST_CR0, state->cr0 | rdmsr(VMX_MSR_CR0_FIXED0));
    vmx_write(VMX_GUEST_CR3, state->cr3);
    vmx_write(VMX_CR4_SHADOW, state->cr4);
    vmx_write(VMX_GUEST_CR4, state->cr4 | rdmsr(VMX_MSR_CR4_FIXED0));
}

/* SPDX-License-Identifier: MIT */
/*
 * The processor says of a VMCS which of three parts is wrong, and no more. These are its checks
 * again, in software and with names (SDM volume 3, sections 27.2 and 27.3). Guest input never gets
 * this far: what is found here is a defect of this hypervisor, or of the processor.
 */
#include <stddef.h>
#include "kernel/cpu/vmx.h"
#include "kernel/x86.h"

#define CR0_UPPER       0xffffffff00000000ull
#define PAGE_OFFSET     0xfffull
#define EPTP_TYPE       0x7full /* memory type, levels and A/D bits */
#define SELECTOR_LOW    7u      /* TI and RPL */
#define RIGHTS_TYPE     0xfu
#define RIGHTS_S        0x10u
#define RIGHTS_P        0x80u
#define RIGHTS_LONG     0x2000u
#define RIGHTS_32       0x4000u
#define RIGHTS_G        0x8000u
#define RIGHTS_RESERVED 0xfffe0f00u
#define LIMIT_LOW       0xfffu
#define LIMIT_HIGH      0xfff00000u
#define RFLAGS_ZERO     0xffffffffffc08028ull
#define RFLAGS_VM       (1ull << 17)
#define ACTIVITY_LAST   3u
#define BLOCKED_BOTH    (VMX_BLOCKED_BY_STI | VMX_BLOCKED_BY_MOV_SS)
#define BLOCKED_KNOWN   0x1fu
#define DEBUGCTL_KNOWN  0xffc3ull
#define WITH_ERROR      0x00227d00u /* #DF #TS #NP #SS #GP #PF #AC #CP */
#define VECTOR_NMI      2u
#define EXCEPTIONS      32u

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

#define FIRST_WRONG(checks) first_wrong(checks, sizeof checks / sizeof(checks)[0])

/* Bits of value that must be 1 and are not, or must be 0 and are not. */
static uint64_t not_fixed(uint64_t value, uint32_t fixed0, uint32_t fixed1)
{
    return (rdmsr(fixed0) & ~value) | (value & ~rdmsr(fixed1));
}

/* The same against a capability MSR: must be 1 in the low half, may be 1 in the high half. */
static uint64_t not_allowed(enum vmx_field field, uint32_t msr, bool has_true)
{
    bool use_true = has_true && (rdmsr(VMX_MSR_BASIC) & VMX_BASIC_TRUE);
    uint64_t allowed = rdmsr(msr + (use_true ? VMX_MSR_TRUE : 0)), value = vmx_read(field);

    return ((uint32_t)allowed & ~value) | (value & ~(allowed >> 32));
}

static bool is_canonical(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

static uint64_t beyond_memory(uint64_t address)
{
    return address >> (cpuid(0x80000008, 0).eax & 0xff);
}

static const char *check_event(void)
{
    uint32_t event = (uint32_t)vmx_read(VMX_INJECT), type = VMX_EVENT_TYPE(event);
    uint8_t vector = VMX_EVENT_VECTOR(event);
    bool is_exception = type == VMX_EVENT_EXCEPTION;
    bool wants_error = is_exception && vector < EXCEPTIONS && (WITH_ERROR >> vector & 1);
    bool is_strict = !is_exception || !(rdmsr(VMX_MSR_BASIC) & VMX_BASIC_ANY_ERROR);
    const struct check checks[] = {
        {type == 0x100, "an injected event of a reserved type"},
        {type == VMX_EVENT_NMI && vector != VECTOR_NMI, "an injected NMI with another vector"},
        {is_exception && vector >= EXCEPTIONS, "an injected exception above vector 31"},
        {is_strict && wants_error && !(event & VMX_EVENT_HAS_ERROR),
         "an injected exception without its error code"},
        {is_strict && !wants_error && (event & VMX_EVENT_HAS_ERROR),
         "an injected event with an error code that it does not have"},
        {event & VMX_EVENT_RESERVED, "reserved bits of the injected event"},
        {(event & VMX_EVENT_HAS_ERROR) && vmx_read(VMX_INJECT_ERROR) >> 16,
         "an error code of more than 16 bits"},
        {type >= VMX_EVENT_SOFTWARE_INTERRUPT && vmx_read(VMX_INJECT_LENGTH) > 15,
         "an injected instruction of more than 15 bytes"},
    };

    return event & VMX_EVENT_VALID ? FIRST_WRONG(checks) : NULL;
}

const char *vmx_check_controls(void)
{
    uint64_t secondary = vmx_read(VMX_SECONDARY), eptp = vmx_read(VMX_EPTP);
    uint64_t bitmap = vmx_read(VMX_MSR_BITMAP);
    bool has_vpid = secondary & VMX_2_VPID;
    const struct check checks[] = {
        {not_allowed(VMX_PIN, VMX_MSR_PIN, true), "a pin-based control that cannot be so"},
        {not_allowed(VMX_PRIMARY, VMX_MSR_PRIMARY, true), "a primary control that cannot be so"},
        {not_allowed(VMX_SECONDARY, VMX_MSR_SECONDARY, false),
         "a secondary control that cannot be so"},
        {not_allowed(VMX_EXIT, VMX_MSR_EXIT, true), "a VM-exit control that cannot be so"},
        {not_allowed(VMX_ENTRY, VMX_MSR_ENTRY, true), "a VM-entry control that cannot be so"},
        {vmx_read(VMX_CR3_TARGETS) > 4, "more than four CR3 targets"},
        {(bitmap & PAGE_OFFSET) | beyond_memory(bitmap), "the MSR bitmap's address"},
        {has_vpid && vmx_read(VMX_VPID) == 0, "the VPID is 0, the host's"},
        {(eptp & EPTP_TYPE) != (VMX_EPTP_WALK_4 | VMX_MEMORY_WB),
         "the EPT pointer's memory type or levels"},
        {(eptp & PAGE_OFFSET & ~EPTP_TYPE) | beyond_memory(eptp), "the EPT pointer's address"},
    };
    const char *why = FIRST_WRONG(checks);

    if (!why)
        why = check_event();
    return why ? why : "a check newer than the ones known here";
}

const char *vmx_check_host(void)
{
    uint64_t selectors = vmx_read(VMX_HOST_ES) | vmx_read(VMX_HOST_CS) | vmx_read(VMX_HOST_SS) |
                         vmx_read(VMX_HOST_DS) | vmx_read(VMX_HOST_FS) | vmx_read(VMX_HOST_GS) |
                         vmx_read(VMX_HOST_TR);
    const struct check checks[] = {
        {not_fixed(vmx_read(VMX_HOST_CR0), VMX_MSR_CR0_FIXED0, VMX_MSR_CR0_FIXED1),
         "CR0 does not have what VMX fixes"},
        {not_fixed(vmx_read(VMX_HOST_CR4), VMX_MSR_CR4_FIXED0, VMX_MSR_CR4_FIXED1),
         "CR4 does not have what VMX fixes"},
        {!(vmx_read(VMX_HOST_CR4) & CR4_PAE), "CR4.PAE is clear"},
        {beyond_memory(vmx_read(VMX_HOST_CR3)), "CR3 is beyond physical memory"},
        {selectors & SELECTOR_LOW, "a selector of an LDT, or with a privilege level"},
        {vmx_read(VMX_HOST_CS) == 0, "the CS selector is 0"},
        {vmx_read(VMX_HOST_TR) == 0, "the TR selector is 0"},
        {!is_canonical(vmx_read(VMX_HOST_FS_BASE)), "the FS base is not canonical"},
        {!is_canonical(vmx_read(VMX_HOST_GS_BASE)), "the GS base is not canonical"},
        {!is_canonical(vmx_read(VMX_HOST_TR_BASE)), "the TR base is not canonical"},
        {!is_canonical(vmx_read(VMX_HOST_GDTR_BASE)), "the GDTR base is not canonical"},
        {!is_canonical(vmx_read(VMX_HOST_IDTR_BASE)), "the IDTR base is not canonical"},
        {!is_canonical(vmx_read(VMX_HOST_SYSENTER_ESP)), "SYSENTER_ESP is not canonical"},
        {!is_canonical(vmx_read(VMX_HOST_SYSENTER_EIP)), "SYSENTER_EIP is not canonical"},
        {!is_canonical(vmx_read(VMX_HOST_RIP)), "RIP is not canonical"},
    };
    const char *why = FIRST_WRONG(checks);

    return why ? why : "a check newer than the ones known here";
}

static const char *check_registers(void)
{
    uint64_t cr0 = vmx_read(VMX_GUEST_CR0), cr4 = vmx_read(VMX_GUEST_CR4);
    uint64_t rflags = vmx_read(VMX_GUEST_RFLAGS);
    const struct check checks[] = {
        {cr0 & CR0_UPPER, "CR0 has bits above 31"},
        {not_fixed(cr0, VMX_MSR_CR0_FIXED0, VMX_MSR_CR0_FIXED1),
         "CR0 does not have what VMX fixes"},
        {not_fixed(cr4, VMX_MSR_CR4_FIXED0, VMX_MSR_CR4_FIXED1),
         "CR4 does not have what VMX fixes, or bits that this processor lacks"},
        {!(cr4 & CR4_PAE), "long mode without CR4.PAE"},
        {vmx_read(VMX_GUEST_DEBUGCTL) & ~DEBUGCTL_KNOWN, "DEBUGCTL has reserved bits"},
        {beyond_memory(vmx_read(VMX_GUEST_CR3)), "CR3 is beyond physical memory"},
        {vmx_read(VMX_GUEST_DR7) >> 32, "DR7 has bits above 31"},
        {!is_canonical(vmx_read(VMX_GUEST_SYSENTER_ESP)), "SYSENTER_ESP is not canonical"},
        {!is_canonical(vmx_read(VMX_GUEST_SYSENTER_EIP)), "SYSENTER_EIP is not canonical"},
        {!is_canonical(vmx_read(VMX_GUEST_RIP)), "RIP is not canonical"},
        {!(rflags & RFLAGS_ONE) || (rflags & RFLAGS_ZERO), "RFLAGS has reserved bits"},
        {rflags & RFLAGS_VM, "RFLAGS.VM in long mode"},
        {!(rflags & RFLAGS_IF) &&
             (vmx_read(VMX_INJECT) & (VMX_EVENT_VALID | 0x700)) == VMX_EVENT_VALID,
         "an injected interrupt with RFLAGS.IF clear"},
    };

    return FIRST_WRONG(checks);
}

static uint64_t segment(enum vmx_field first, enum vmx_segment s)
{
    return vmx_read(first + 2 * (unsigned)s);
}

static uint64_t granularity_wrong(enum vmx_segment s)
{
    uint64_t limit = segment(VMX_GUEST_LIMIT, s), rights = segment(VMX_GUEST_RIGHTS, s);

    if (rights & VMX_RIGHTS_UNUSABLE)
        return 0;
    return rights & RIGHTS_G ? (limit & LIMIT_LOW) != LIMIT_LOW : limit & LIMIT_HIGH;
}

static const char *check_segments(void)
{
    uint64_t cs = segment(VMX_GUEST_RIGHTS, VMX_CS), tr = segment(VMX_GUEST_RIGHTS, VMX_TR);
    uint64_t ss = segment(VMX_GUEST_RIGHTS, VMX_SS);
    const struct check checks[] = {
        {(cs & RIGHTS_TYPE) < 9 || !(cs & 1) || !(cs & RIGHTS_S) || !(cs & RIGHTS_P),
         "CS is no accessed code segment that is present"},
        {(cs & RIGHTS_LONG) && (cs & RIGHTS_32), "a code segment that is both 64-bit and 32-bit"},
        {!(ss & VMX_RIGHTS_UNUSABLE) &&
             (((ss & RIGHTS_TYPE) != 3 && (ss & RIGHTS_TYPE) != 7) || !(ss & RIGHTS_P)),
         "SS is no accessed, writable data segment that is present"},
        {(cs | ss | tr) & RIGHTS_RESERVED, "access rights with reserved bits"},
        {granularity_wrong(VMX_CS) || granularity_wrong(VMX_SS) || granularity_wrong(VMX_TR),
         "a segment's limit and granularity do not fit"},
        {(tr & RIGHTS_TYPE) != 11 || (tr & (RIGHTS_S | VMX_RIGHTS_UNUSABLE)) || !(tr & RIGHTS_P),
         "TR is no busy 64-bit TSS that is present"},
        {segment(VMX_GUEST_SELECTOR, VMX_TR) & 4, "the TR selector is of an LDT"},
        {!is_canonical(segment(VMX_GUEST_BASE, VMX_TR)), "the TR base is not canonical"},
        {!is_canonical(segment(VMX_GUEST_BASE, VMX_FS)), "the FS base is not canonical"},
        {!is_canonical(segment(VMX_GUEST_BASE, VMX_GS)), "the GS base is not canonical"},
        {segment(VMX_GUEST_BASE, VMX_CS) >> 32, "the CS base has bits above 31"},
        {!is_canonical(vmx_read(VMX_GUEST_GDTR_BASE)), "the GDTR base is not canonical"},
        {!is_canonical(vmx_read(VMX_GUEST_IDTR_BASE)), "the IDTR base is not canonical"},
        {vmx_read(VMX_GUEST_GDTR_LIMIT) >> 16, "the GDTR limit has bits above 15"},
        {vmx_read(VMX_GUEST_IDTR_LIMIT) >> 16, "the IDTR limit has bits above 15"},
    };

    return FIRST_WRONG(checks);
}

static const char *check_activity(void)
{
    uint64_t blocked = vmx_read(VMX_INTERRUPTIBILITY);
    bool injects = vmx_read(VMX_INJECT) & VMX_EVENT_VALID;
    uint32_t type = VMX_EVENT_TYPE(vmx_read(VMX_INJECT));
    const struct check checks[] = {
        {vmx_read(VMX_ACTIVITY) > ACTIVITY_LAST, "an activity state that does not exist"},
        {blocked & ~(uint64_t)BLOCKED_KNOWN, "interruptibility has reserved bits"},
        {(blocked & BLOCKED_BOTH) == BLOCKED_BOTH, "blocking by STI and by MOV SS at once"},
        {(blocked & VMX_BLOCKED_BY_STI) && !(vmx_read(VMX_GUEST_RFLAGS) & RFLAGS_IF),
         "blocking by STI with RFLAGS.IF clear"},
        {injects && type == VMX_EVENT_INTERRUPT && (blocked & BLOCKED_BOTH),
         "an injected interrupt while STI or MOV SS blocks it"},
        {injects && type == VMX_EVENT_NMI && (blocked & VMX_BLOCKED_BY_MOV_SS),
         "an injected NMI while MOV SS blocks it"},
        {vmx_read(VMX_LINK) != UINT64_MAX, "the VMCS link pointer is not all ones"},
    };

    return FIRST_WRONG(checks);
}

const char *vmx_check_guest(void)
{
    const char *why = check_registers();

    if (!why)
        why = check_segments();
    if (!why)
        why = check_activity();
    return why ? why : "a check newer than the ones known here";
}

/* SPDX-License-Identifier: MIT */
/* The controls: what this hypervisor needs, likes to have and cannot live with, against what the
 * capability MSRs allow (SDM volume 3, appendix A). */
#include <errno.h>
#include <stddef.h>
#include "kernel/cpu/vmx.h"
#include "kernel/x86.h"
#include "lib/fmt.h"

#define NEED    0u /* must be on */
#define MAY     1u /* on where there is one */
#define LATER   2u /* must exist; turned on while it is needed */
#define NEVER   3u /* must be off */
#define RULES   16u
#define WHY_MAX 160u

struct rule {
    uint32_t bit;
    uint32_t kind;
    const char *name; /* as in the SDM; NULL ends a list */
};

struct field {
    uint32_t msr;
    bool has_true; /* a second MSR that tells what is really fixed */
    const char *name;
    struct rule rules[RULES];
};

static const struct field pin = {
    VMX_MSR_PIN,
    true,
    "pin-based",
    {{VMX_PIN_INTERRUPTS, NEED, "external-interrupt exiting"},
     {VMX_PIN_NMI, NEED, "NMI exiting"},
     {VMX_PIN_TIMER, MAY, "activate VMX-preemption timer"}},
};

static const struct field primary = {
    VMX_MSR_PRIMARY,
    true,
    "primary processor-based",
    {{VMX_1_WINDOW, LATER, "interrupt-window exiting"},
     {VMX_1_TSC_OFFSET, NEED, "use TSC offsetting"},
     {VMX_1_HLT, NEED, "HLT exiting"},
     {VMX_1_MWAIT, NEED, "MWAIT exiting"},
     {VMX_1_RDPMC, NEED, "RDPMC exiting"},
     {VMX_1_CR3_LOAD, NEVER, "CR3-load exiting"},
     {VMX_1_CR3_STORE, NEVER, "CR3-store exiting"},
     {VMX_1_CR8_LOAD, NEED, "CR8-load exiting"},
     {VMX_1_CR8_STORE, NEED, "CR8-store exiting"},
     {VMX_1_MOV_DR, NEED, "MOV-DR exiting"},
     {VMX_1_IO, NEED, "unconditional I/O exiting"},
     {VMX_1_MSR_BITMAPS, NEED, "use MSR bitmaps"},
     {VMX_1_MONITOR, NEED, "MONITOR exiting"},
     {VMX_1_SECONDARY, NEED, "activate secondary controls"}},
};

/* The guest sees the processor's own CPUID: what that promises must not be undefined. */
static const struct field secondary = {
    VMX_MSR_SECONDARY,
    false,
    "secondary processor-based",
    {{VMX_2_EPT, NEED, "enable EPT"},
     {VMX_2_DESCRIPTORS, MAY, "descriptor-table exiting"},
     {VMX_2_RDTSCP, MAY, "enable RDTSCP"},
     {VMX_2_VPID, MAY, "enable VPID"},
     {VMX_2_WBINVD, NEED, "WBINVD exiting"},
     {VMX_2_INVPCID, MAY, "enable INVPCID"}},
};

static const struct field on_exit = {
    VMX_MSR_EXIT,
    true,
    "VM-exit",
    {{VMX_EXIT_SAVE_DEBUG, MAY, "save debug controls"},
     {VMX_EXIT_HOST_64, NEED, "host address-space size"}},
};

static const struct field on_entry = {
    VMX_MSR_ENTRY,
    true,
    "VM-entry",
    {{VMX_ENTRY_LOAD_DEBUG, MAY, "load debug controls"},
     {VMX_ENTRY_GUEST_64, NEED, "IA-32e mode guest"}},
};

static struct vmx_controls controls;
static uint64_t ept_vpid;
static char words[WHY_MAX];

static int lacks(const char **why, const struct field *f, const char *name, bool can_be_set)
{
    fmt_snprintf(
        words, sizeof words,
        "this processor's VMX %s the %s control \"%s\": use a newer one (Nehalem or later; "
        "Bochs: cpu: model=tigerlake)",
        can_be_set ? "cannot turn off" : "lacks", f->name, name);
    *why = words;
    return -ENOTSUP;
}

/* The low half of a capability MSR: bits that must be 1. The high half: bits that may be. */
static int adjust(const struct field *f, bool use_true, uint32_t *value, const char **why)
{
    uint64_t allowed = rdmsr(f->msr + (use_true && f->has_true ? VMX_MSR_TRUE : 0));
    uint32_t must = (uint32_t)allowed, may = (uint32_t)(allowed >> 32);

    *value = must;
    for (const struct rule *r = f->rules; r->name; r++) {
        if (r->kind == NEVER && (must & r->bit))
            return lacks(why, f, r->name, true);
        if ((r->kind == NEED || r->kind == LATER) && !(may & r->bit))
            return lacks(why, f, r->name, false);
        if (r->kind == NEED || r->kind == MAY)
            *value |= r->bit & may;
    }
    return 0;
}

static int check_ept(const char **why)
{
    static const struct {
        uint64_t bits;
        const char *name;
    } wanted[] = {
        {VMX_EPT_WALK_4, "of four levels"},
        {VMX_EPT_WB, "in write-back memory"},
        {VMX_EPT_2M, "with 2M pages"},
        {VMX_INVEPT, "with INVEPT"},
    };

    ept_vpid = rdmsr(VMX_MSR_EPT_VPID);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        if (ept_vpid & wanted[i].bits)
            continue;
        fmt_snprintf(words, sizeof words, "this processor has no EPT %s: use a newer one",
                     wanted[i].name);
        *why = words;
        return -ENOTSUP;
    }
    /* A VPID that cannot be flushed is worse than none. */
    if (!(ept_vpid & VMX_INVVPID))
        controls.secondary &= ~VMX_2_VPID;
    return 0;
}

int vmx_controls_init(const char **why)
{
    bool use_true = rdmsr(VMX_MSR_BASIC) & VMX_BASIC_TRUE;
    int error = adjust(&pin, use_true, &controls.pin, why);

    if (!error)
        error = adjust(&primary, use_true, &controls.primary, why);
    /* Only now is it known that the next MSR exists. */
    if (!error)
        error = adjust(&secondary, use_true, &controls.secondary, why);
    if (!error)
        error = adjust(&on_exit, use_true, &controls.exit, why);
    if (!error)
        error = adjust(&on_entry, use_true, &controls.entry, why);
    return error ? error : check_ept(why);
}

const struct vmx_controls *vmx_controls(void)
{
    return &controls;
}

uint64_t vmx_ept_vpid(void)
{
    return ept_vpid;
}

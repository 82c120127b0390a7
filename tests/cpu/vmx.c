/* SPDX-License-Identifier: MIT */
/* VMX's own: VMCSs that the processor refuses, field by field, and what the backend says of them.
 */
#include "kernel/cpu/vmx.h"
#include <errno.h>
#include "kernel/smp.h"
#include "kernel/x86.h"
#include "tests/cpu/test.h"

#define PAUSE_EXITING    (1u << 30)
#define REASON_PAUSE     40
#define REASON_TIMER     52
#define REASON_BAD_STATE (VMX_REASON_BAD_STATE | 1ull << 31)
#define REASON_BAD_MSRS  (VMX_REASON_BAD_MSRS | 1ull << 31)
#define ENTRY_MSRS       ((enum vmx_field)0x4014) /* count and address of a list to load */
#define ENTRY_MSR_LIST   ((enum vmx_field)0x200a)
#define FS_BASE          0xc0000100u
#define CANNOT_CLEAR     4 /* VM-instruction errors */
#define NOT_LAUNCHED     5
#define BAD_CONTROLS     7
#define BAD_HOST         8
#define NON_CANONICAL    0x8000000000000000ull

#define DECLARE(name) extern const uint8_t guest_##name[]
DECLARE(nothing);
DECLARE(quiet);
DECLARE(spin);

struct spoil {
    enum vmx_field field;
    uint64_t clear, set;
    const char *words;
};

static struct vmx_vcpu *own(struct guest *g)
{
    return g->vcpu.backend;
}

/* Refused with that one field spoilt, and entered again with the field as it was. */
static void refused(struct guest *g, const struct spoil *s, uint64_t raw)
{
    uint64_t good;

    guest_start(g, guest_nothing);
    vmx_load(&g->vcpu);
    good = vmx_read(s->field);
    vmx_write(s->field, (good & ~s->clear) | s->set);
    guest_run(g);
    vmx_write(s->field, good);
    EXPECT_EQ(g->exit.reason, CPU_EXIT_ENTRY_FAILED);
    EXPECT_WORDS(g->exit.what, s->words);
    EXPECT_EQ(g->exit.raw, raw);
    EXPECT_EQ(g->exit.length, 0);
    EXPECT_EQ(g->vcpu.regs.rip, (uint64_t)guest_nothing);
    EXPECT_POINT(g, 1);
}

static void each_refused(struct guest *g, const struct spoil *s, size_t count, uint64_t raw)
{
    for (; count > 0; count--, s++) {
        test_row("field 0x%x, %s", s->field, s->words);
        refused(g, s, raw);
    }
}

#define ALL                        ~0ull
#define EACH_REFUSED(g, rows, raw) each_refused(g, rows, sizeof rows / sizeof(rows)[0], raw)

static const struct spoil bad_controls[] = {
    {VMX_PIN, 1u << 1, 0, "a pin-based control"},
    {VMX_PRIMARY, 1u << 1, 0, "a primary control"},
    {VMX_SECONDARY, 0, 1u << 31, "a secondary control"},
    {VMX_EXIT, 3, 0, "a VM-exit control"},
    {VMX_ENTRY, 3, 0, "a VM-entry control"},
    {VMX_CR3_TARGETS, ALL, 5, "CR3 targets"},
    {VMX_MSR_BITMAP, 0, 1, "the MSR bitmap's address"},
    {VMX_VPID, ALL, 0, "the VPID is 0"},
    {VMX_EPTP, 7, 3, "memory type or levels"},
    {VMX_EPTP, 0, 1ull << 60, "the EPT pointer's address"},
};

/* An event is wrong with a control, too. Not here and below: what Bochs lets through, which is a
 * DEBUGCTL, an RIP and an SS that cannot be, and error codes where none belong. */
static const struct spoil bad_events[] = {
    {VMX_INJECT, ALL, VMX_EVENT_VALID | 0x100, "a reserved type"},
    {VMX_INJECT, ALL, VMX_EVENT_VALID | VMX_EVENT_NMI | 3, "an injected NMI with another vector"},
    {VMX_INJECT, ALL, VMX_EVENT_VALID | VMX_EVENT_EXCEPTION | 32, "above vector 31"},
    {VMX_INJECT, ALL, VMX_EVENT_VALID | VMX_EVENT_EXCEPTION | 1u << 20 | 6, "reserved bits"},
};

static const struct spoil bad_host[] = {
    {VMX_HOST_CR0, CR0_NE, 0, "CR0 does not have"},
    {VMX_HOST_CR4, VMX_CR4_VMXE, 0, "CR4 does not have"},
    {VMX_HOST_CR4, CR4_PAE, 0, "CR4.PAE is clear"},
    {VMX_HOST_CR3, 0, 1ull << 60, "CR3 is beyond"},
    {VMX_HOST_CS, 0, 3, "a selector"},
    {VMX_HOST_ES, 0, 4, "a selector"},
    {VMX_HOST_CS, ALL, 0, "the CS selector is 0"},
    {VMX_HOST_TR, ALL, 0, "the TR selector is 0"},
    {VMX_HOST_FS_BASE, 0, NON_CANONICAL, "the FS base"},
    {VMX_HOST_GS_BASE, 0, NON_CANONICAL, "the GS base"},
    {VMX_HOST_TR_BASE, 0, NON_CANONICAL, "the TR base"},
    {VMX_HOST_GDTR_BASE, 0, NON_CANONICAL, "the GDTR base"},
    {VMX_HOST_IDTR_BASE, 0, NON_CANONICAL, "the IDTR base"},
    {VMX_HOST_SYSENTER_ESP, 0, NON_CANONICAL, "SYSENTER_ESP"},
    {VMX_HOST_SYSENTER_EIP, 0, NON_CANONICAL, "SYSENTER_EIP"},
    {VMX_HOST_RIP, 0, NON_CANONICAL, "RIP is not canonical"},
};

#define SEGMENT(field, segment) (enum vmx_field)(field + 2 * segment)

static const struct spoil bad_guest[] = {
    {VMX_GUEST_CR0, 0, 1ull << 32, "CR0 has bits above 31"},
    {VMX_GUEST_CR0, CR0_NE, 0, "CR0 does not have"},
    {VMX_GUEST_CR4, VMX_CR4_VMXE, 0, "CR4 does not have"},
    {VMX_GUEST_CR4, CR4_PAE, 0, "without CR4.PAE"},
    {VMX_GUEST_CR3, 0, 1ull << 60, "CR3 is beyond"},
    {VMX_GUEST_DR7, 0, 1ull << 32, "DR7"},
    {VMX_GUEST_SYSENTER_ESP, 0, NON_CANONICAL, "SYSENTER_ESP"},
    {VMX_GUEST_SYSENTER_EIP, 0, NON_CANONICAL, "SYSENTER_EIP"},
    {VMX_GUEST_RFLAGS, RFLAGS_ONE, 0, "RFLAGS has reserved bits"},
    {VMX_GUEST_RFLAGS, 0, 1u << 15, "RFLAGS has reserved bits"},
    {VMX_GUEST_RFLAGS, 0, 1u << 17, "RFLAGS.VM"},
    {VMX_INJECT, ALL, VMX_EVENT_VALID | VMX_EVENT_INTERRUPT | 0x50, "RFLAGS.IF clear"},
    {SEGMENT(VMX_GUEST_RIGHTS, VMX_CS), 15, 3, "CS is no"},
    {SEGMENT(VMX_GUEST_RIGHTS, VMX_CS), 0, 1u << 14, "both 64-bit and 32-bit"},
    {SEGMENT(VMX_GUEST_RIGHTS, VMX_CS), 0, 1u << 8, "reserved bits"},
    {SEGMENT(VMX_GUEST_LIMIT, VMX_CS), 1, 0, "limit and granularity"},
    {SEGMENT(VMX_GUEST_RIGHTS, VMX_TR), 15, 9, "TR is no"},
    {SEGMENT(VMX_GUEST_SELECTOR, VMX_TR), 0, 4, "the TR selector"},
    {SEGMENT(VMX_GUEST_BASE, VMX_TR), 0, NON_CANONICAL, "the TR base"},
    {SEGMENT(VMX_GUEST_BASE, VMX_FS), 0, NON_CANONICAL, "the FS base"},
    {SEGMENT(VMX_GUEST_BASE, VMX_GS), 0, NON_CANONICAL, "the GS base"},
    {SEGMENT(VMX_GUEST_BASE, VMX_CS), 0, 1ull << 32, "the CS base"},
    {VMX_GUEST_GDTR_BASE, 0, NON_CANONICAL, "the GDTR base"},
    {VMX_GUEST_IDTR_BASE, 0, NON_CANONICAL, "the IDTR base"},
    {VMX_GUEST_GDTR_LIMIT, 0, 1u << 16, "the GDTR limit"},
    {VMX_GUEST_IDTR_LIMIT, 0, 1u << 16, "the IDTR limit"},
    {VMX_ACTIVITY, 0, 7, "an activity state"},
    {VMX_INTERRUPTIBILITY, 0, 1u << 8, "interruptibility has reserved bits"},
    {VMX_INTERRUPTIBILITY, 0, 3, "blocking by STI and by MOV SS"},
    {VMX_INTERRUPTIBILITY, 0, 1, "blocking by STI with"},
    {VMX_LINK, ALL, 0, "the VMCS link pointer"},
};

static void controls_are_refused(struct guest *g)
{
    EACH_REFUSED(g, bad_controls, BAD_CONTROLS);
}

static void events_are_refused(struct guest *g)
{
    EACH_REFUSED(g, bad_events, BAD_CONTROLS);
}

static void host_state_is_refused(struct guest *g)
{
    EACH_REFUSED(g, bad_host, BAD_HOST);
}

static void guest_state_is_refused(struct guest *g)
{
    EACH_REFUSED(g, bad_guest, REASON_BAD_STATE);
}

static void a_list_of_msrs_is_refused(struct guest *g)
{
    uint64_t *list = guest_at(g, GUEST_DATA);

    guest_start(g, guest_nothing);
    vmx_load(&g->vcpu);
    list[0] = FS_BASE; /* has a field of its own */
    vmx_write(ENTRY_MSR_LIST, (uint64_t)list);
    vmx_write(ENTRY_MSRS, 1);
    EXPECT_EXIT(g, CPU_EXIT_ENTRY_FAILED);
    EXPECT_WORDS(g->exit.what, "the loading of an MSR");
    EXPECT_EQ(g->exit.raw, REASON_BAD_MSRS);
    vmx_write(ENTRY_MSRS, 0);
    EXPECT_POINT(g, 1);
}

/* Launched and resumed the wrong way round. */
static void launch_and_resume(struct guest *g)
{
    guest_start(g, guest_nothing);
    own(g)->is_launched = 1;
    EXPECT_EXIT(g, CPU_EXIT_ENTRY_FAILED);
    EXPECT_EQ(g->exit.raw, NOT_LAUNCHED);
    EXPECT_WORDS(g->exit.what, "was not launched");
    own(g)->is_launched = 0;
    EXPECT_POINT(g, 1);
    own(g)->is_launched = 0;
    EXPECT_EXIT(g, CPU_EXIT_ENTRY_FAILED);
    EXPECT_EQ(g->exit.raw, CANNOT_CLEAR);
    EXPECT_WORDS(g->exit.what, "is not clear");
    own(g)->is_launched = 1;
    guest_start(g, guest_nothing);
    EXPECT_POINT(g, 1);
}

/* Taken away behind the backend's back. */
static void without_a_vmcs(struct guest *g)
{
    guest_start(g, guest_nothing);
    EXPECT_POINT(g, 1);
    guest_start(g, guest_nothing);
    own(g)->rip = g->vcpu.regs.rip; /* nothing to be written */
    __asm__ volatile("vmclear %0" ::"m"(own(g)->vmcs.v) : "memory", "cc");
    guest_run(g);
    __asm__ volatile("vmptrld %0" ::"m"(own(g)->vmcs.v) : "memory", "cc");
    EXPECT_EQ(g->exit.reason, CPU_EXIT_ENTRY_FAILED);
    EXPECT_WORDS(g->exit.what, "no current VMCS");
    own(g)->is_launched = 0;
    vmx_write(VMX_GUEST_RIP, (uint64_t)guest_nothing);
    EXPECT_POINT(g, 1);
}

static void on_already(struct guest *g)
{
    (void)g;
    EXPECT_EQ(cpu->enable(), -EBUSY);
}

static void an_unknown_exit(struct guest *g)
{
    guest_start(g, guest_quiet);
    vmx_load(&g->vcpu);
    vmx_write(VMX_PRIMARY, vmx_read(VMX_PRIMARY) | PAUSE_EXITING);
    EXPECT_EXIT(g, CPU_EXIT_UNKNOWN);
    EXPECT_EQ(g->exit.raw, REASON_PAUSE);
    EXPECT_EQ(g->vcpu.regs.rip, (uint64_t)guest_quiet);
}

/* An unusable SS is not looked at: the activity is what is wrong. */
static void an_unusable_segment_is_right(struct guest *g)
{
    const struct spoil activity = {VMX_ACTIVITY, 0, 7, "an activity state"};

    guest_start(g, guest_nothing);
    vmx_load(&g->vcpu);
    vmx_write(SEGMENT(VMX_GUEST_RIGHTS, VMX_SS), VMX_RIGHTS_UNUSABLE);
    refused(g, &activity, REASON_BAD_STATE);
}

/* The host's own timer is off: the processor's preemption timer is left. */
static void a_spin_ends_without_the_hosts_timer(struct guest *g)
{
    guest_start(g, guest_spin);
    test_ticks(false);
    for (unsigned i = 0; i < 2; i++) {
        cpu->run(&g->vcpu, &g->exit);
        EXPECT_EQ(g->exit.reason, CPU_EXIT_HOST_INTERRUPT);
        EXPECT_EQ(g->exit.raw, REASON_TIMER);
        EXPECT_EQ(g->vcpu.regs.rip, (uint64_t)guest_spin);
    }
    test_ticks(true);
}

#define VMX_CASE(fn) CASE_OF("vmx", fn)

static const struct test_case cases[] = {
    VMX_CASE(controls_are_refused),
    VMX_CASE(events_are_refused),
    VMX_CASE(host_state_is_refused),
    VMX_CASE(guest_state_is_refused),
    VMX_CASE(a_list_of_msrs_is_refused),
    VMX_CASE(launch_and_resume),
    VMX_CASE(without_a_vmcs),
    VMX_CASE(an_unusable_segment_is_right),
    VMX_CASE(on_already),
    VMX_CASE(an_unknown_exit),
    VMX_CASE(a_spin_ends_without_the_hosts_timer),
};

GROUP(vmx);

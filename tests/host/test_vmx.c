/* SPDX-License-Identifier: MIT */
/* What a VMCS says after an exit, as the rest of the hypervisor sees it. */
#include "tests/host/unit.h"

#include <string.h>
#include "kernel/cpu/vmx.h"

static uint64_t fields[0x7000];
static unsigned reads;
static struct vmx_vcpu s;
static struct cpu_regs regs;
static struct cpu_exit got;

uint64_t vmx_read(enum vmx_field field)
{
    reads++;
    return fields[field];
}

void vmx_write(enum vmx_field field, uint64_t value)
{
    fields[field] = value;
}

const char *vmx_check_controls(void)
{
    return "of the controls";
}

const char *vmx_check_host(void)
{
    return "of the host";
}

const char *vmx_check_guest(void)
{
    return "of the guest";
}

static int reset(void **state)
{
    (void)state;
    memset(fields, 0, sizeof fields);
    s = (struct vmx_vcpu){0};
    regs = (struct cpu_regs){0};
    return 0;
}

static void decode(uint64_t reason, uint64_t qualification)
{
    fields[VMX_REASON] = reason;
    fields[VMX_QUALIFICATION] = qualification;
    reads = 0;
    vmx_exit_decode(&s, &regs, &got);
    assert_int_equal(got.raw, reason);
}

static void violations(void **state)
{
    (void)state;
    fields[VMX_GUEST_PHYSICAL] = 0x12345678;
    decode(VMX_REASON_EPT_VIOLATION, 0x181);
    assert_int_equal(got.reason, CPU_EXIT_NESTED_FAULT);
    assert_int_equal(got.nested.address.v, 0x12345678);
    assert_int_equal(got.nested.access, CPU_ACCESS_READ);
    assert_false(got.nested.present || got.nested.table_walk);
    decode(VMX_REASON_EPT_VIOLATION, 0x18a);
    assert_int_equal(got.nested.access, CPU_ACCESS_WRITE);
    assert_true(got.nested.present);
    decode(VMX_REASON_EPT_VIOLATION, 0x19c);
    assert_int_equal(got.nested.access, CPU_ACCESS_EXEC);
    decode(VMX_REASON_EPT_VIOLATION, 0x81);
    assert_true(got.nested.table_walk);
    decode(VMX_REASON_EPT_MISCONFIGURED, 0);
    assert_int_equal(got.reason, CPU_EXIT_NESTED_BROKEN);
    assert_int_equal(got.nested.address.v, 0x12345678);
}

static void ports(void **state)
{
    (void)state;
    fields[VMX_LENGTH] = 2;
    decode(VMX_REASON_IO, 0xcf8ull << 16 | 3);
    assert_int_equal(got.reason, CPU_EXIT_IO);
    assert_int_equal(got.io.port, 0xcf8);
    assert_int_equal(got.io.bytes, 4);
    assert_int_equal(got.length, 2);
    assert_true(got.io.write);
    assert_false(got.io.string);
    decode(VMX_REASON_IO, 0xffffull << 16 | 1 << 4 | 1 << 3);
    assert_int_equal(got.io.port, 0xffff);
    assert_int_equal(got.io.bytes, 1);
    assert_false(got.io.write);
    assert_true(got.io.string);
}

static void msrs(void **state)
{
    (void)state;
    regs.rcx = 0xffffffffc0000080;
    regs.rdx = 0xaaaaaaaa00000001;
    regs.rax = 0xbbbbbbbb00000002;
    fields[VMX_LENGTH] = 2;
    decode(VMX_REASON_WRMSR, 0);
    assert_int_equal(got.reason, CPU_EXIT_WRMSR);
    assert_int_equal(got.msr.index, 0xc0000080);
    assert_int_equal(got.msr.value, 0x100000002);
    assert_int_equal(got.length, 2);
    decode(VMX_REASON_RDMSR, 0);
    assert_int_equal(got.reason, CPU_EXIT_RDMSR);
}

static void exceptions_are_the_guests_once_it_has_handlers(void **state)
{
    (void)state;
    fields[VMX_EVENT] = VMX_EVENT_VALID | VMX_EVENT_EXCEPTION | VMX_EVENT_HAS_ERROR | 14;
    fields[VMX_EVENT_ERROR] = 2;
    decode(VMX_REASON_EXCEPTION, 0xdead000);
    assert_int_equal(got.reason, CPU_EXIT_EXCEPTION);
    assert_int_equal(got.exception.event.vector, 14);
    assert_int_equal(got.exception.event.error, 2);
    assert_true(got.exception.event.has_error);
    assert_int_equal(got.exception.event.address, 0xdead000);
    assert_false(got.exception.has_handler);

    fields[VMX_SECONDARY] = VMX_2_EPT | VMX_2_DESCRIPTORS;
    decode(VMX_REASON_GDTR_IDTR, 0);
    assert_int_equal(got.reason, CPU_EXIT_IDT_LOAD);
    assert_int_equal(got.length, 0); /* the same instruction again, and not intercepted */
    assert_int_equal(fields[VMX_SECONDARY], VMX_2_EPT);
    assert_int_equal(fields[VMX_EXCEPTIONS], 1u << 1 | 1u << 17 | 1u << 18);

    fields[VMX_EVENT] = VMX_EVENT_VALID | VMX_EVENT_EXCEPTION | 1;
    decode(VMX_REASON_EXCEPTION, 0);
    assert_true(got.exception.has_handler);
    assert_false(got.exception.event.has_error);
    fields[VMX_EVENT] = VMX_EVENT_VALID | VMX_EVENT_NMI | 2;
    fields[VMX_INTERRUPTIBILITY] = VMX_BLOCKED_BY_NMI;
    decode(VMX_REASON_EXCEPTION, 0);
    assert_int_equal(got.reason, CPU_EXIT_HOST_NMI);
    assert_int_equal(fields[VMX_INTERRUPTIBILITY], 0);
}

/* An event whose delivery left is on its way again, with all that belongs to it. */
static void events_cut_short(void **state)
{
    (void)state;
    fields[VMX_VECTORING] =
        VMX_EVENT_VALID | 1u << 12 | VMX_EVENT_EXCEPTION | VMX_EVENT_HAS_ERROR | 13;
    fields[VMX_VECTORING_ERROR] = 0x58;
    decode(VMX_REASON_EPT_VIOLATION, 0x181);
    assert_int_equal(s.inject, VMX_EVENT_VALID | VMX_EVENT_EXCEPTION | VMX_EVENT_HAS_ERROR | 13);
    assert_int_equal(s.inject_error, 0x58);

    s.inject = 0;
    fields[VMX_VECTORING] = VMX_EVENT_VALID | VMX_EVENT_SOFTWARE_EXCEPTION | 3;
    fields[VMX_LENGTH] = 1;
    decode(VMX_REASON_EPT_VIOLATION, 0x181);
    assert_int_equal(s.inject_length, 1);

    fields[VMX_VECTORING] = VMX_EVENT_VALID | VMX_EVENT_NMI | 2;
    fields[VMX_INTERRUPTIBILITY] = VMX_BLOCKED_BY_NMI;
    decode(VMX_REASON_EPT_VIOLATION, 0x181);
    assert_int_equal(fields[VMX_INTERRUPTIBILITY], 0);

    s.inject = 0;
    fields[VMX_VECTORING] = 0;
    decode(VMX_REASON_EPT_VIOLATION, 0x181);
    assert_int_equal(s.inject, 0);
}

static void registers(void **state)
{
    (void)state;
    decode(VMX_REASON_CR, 0);
    assert_int_equal(got.reason, CPU_EXIT_CONTROL);
    assert_says(got.what, "CR0");
    decode(VMX_REASON_CR, 4);
    assert_says(got.what, "CR4");
    decode(VMX_REASON_CR, 8);
    assert_says(got.what, "CR8");
    decode(VMX_REASON_DR, 0);
    assert_says(got.what, "debug register");
}

/* What hardware charges for: with RIP, which run() reads, three a hypercall. */
static void a_hypercall_reads_little(void **state)
{
    (void)state;
    fields[VMX_LENGTH] = 3;
    decode(VMX_REASON_VMCALL, 0);
    assert_int_equal(got.reason, CPU_EXIT_HYPERCALL);
    assert_int_equal(got.length, 3);
    assert_int_equal(reads, 2);
    decode(VMX_REASON_INTERRUPT, 0);
    assert_int_equal(got.reason, CPU_EXIT_HOST_INTERRUPT);
    assert_int_equal(reads, 1);
}

/* Every reason there is: an answer, and words where the answer needs them. */
static void any_reason(void **state)
{
    (void)state;
    for (uint64_t reason = 0; reason < 0x100; reason++) {
        reset(NULL);
        decode(reason, 0);
        assert_in_range(got.reason, 0, CPU_EXIT_REASONS - 1);
        if (got.reason == CPU_EXIT_CONTROL || got.reason == CPU_EXIT_VIRT)
            assert_non_null(got.what);
    }
}

static void refusals(void **state)
{
    (void)state;
    decode(VMX_REASON_NOT_ENTERED | VMX_REASON_BAD_STATE, 0);
    assert_int_equal(got.reason, CPU_EXIT_ENTRY_FAILED);
    assert_says(got.what, "of the guest");
    decode(VMX_REASON_NOT_ENTERED | VMX_REASON_BAD_MSRS, 1);
    assert_says(got.what, "MSR");
    decode(VMX_REASON_NOT_ENTERED | VMX_REASON_MACHINE_CHECK, 0);
    assert_int_equal(got.reason, CPU_EXIT_EXCEPTION);
    assert_int_equal(got.exception.event.vector, 18);
    decode(VMX_REASON_NOT_ENTERED | 77, 0);
    assert_says(got.what, "without a known reason");

    vmx_fail_decode(false, &got);
    assert_int_equal(got.reason, CPU_EXIT_ENTRY_FAILED);
    assert_says(got.what, "no current VMCS");
    fields[VMX_INSTRUCTION_ERROR] = 7;
    vmx_fail_decode(true, &got);
    assert_says(got.what, "error 7, invalid control fields: of the controls");
    fields[VMX_INSTRUCTION_ERROR] = 8;
    vmx_fail_decode(true, &got);
    assert_says(got.what, "of the host");
    fields[VMX_INSTRUCTION_ERROR] = 5;
    vmx_fail_decode(true, &got);
    assert_says(got.what, "was not launched");
    fields[VMX_INSTRUCTION_ERROR] = 14;
    vmx_fail_decode(true, &got);
    assert_says(got.what, "not known here");
    fields[VMX_INSTRUCTION_ERROR] = UINT64_MAX;
    vmx_fail_decode(true, &got);
    assert_says(got.what, "not known here");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(violations, reset),
        cmocka_unit_test_setup(ports, reset),
        cmocka_unit_test_setup(msrs, reset),
        cmocka_unit_test_setup(exceptions_are_the_guests_once_it_has_handlers, reset),
        cmocka_unit_test_setup(events_cut_short, reset),
        cmocka_unit_test_setup(registers, reset),
        cmocka_unit_test_setup(a_hypercall_reads_little, reset),
        cmocka_unit_test_setup(any_reason, reset),
        cmocka_unit_test_setup(refusals, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

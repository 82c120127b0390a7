/* SPDX-License-Identifier: MIT */
/* What a VMCB says after an exit, and what is wrong with one that the processor refuses. */
#include "tests/host/unit.h"

#include "kernel/cpu/svm.h"

static struct svm_vmcb vmcb;
static struct cpu_regs regs;
static struct cpu_exit got;

static void decode(uint64_t code, uint64_t info1, uint64_t info2)
{
    vmcb.control.exit_code = code;
    vmcb.control.info1 = info1;
    vmcb.control.info2 = info2;
    svm_exit_decode(&vmcb, &regs, false, &got);
    assert_int_equal(got.raw, code);
}

static int reset(void **state)
{
    (void)state;
    vmcb = (struct svm_vmcb){.control = {.exceptions = UINT32_MAX,
                                         .intercept1 = SVM_1_IDTR_WRITE,
                                         .intercept2 = SVM_2_VMRUN,
                                         .asid = 1,
                                         .io_map = 0x1000,
                                         .msr_map = 0x4000},
                             .save = {.efer = 0x1d00, .cr0 = 0x80010033, .cr4 = 0x620}};
    regs = (struct cpu_regs){.rip = 0x1000};
    return 0;
}

static void nested_faults(void **state)
{
    (void)state;
    decode(SVM_EXIT_NPF, 0x100000004, 0x12345678);
    assert_int_equal(got.reason, CPU_EXIT_NESTED_FAULT);
    assert_int_equal(got.nested.address.v, 0x12345678);
    assert_int_equal(got.nested.access, CPU_ACCESS_READ);
    assert_false(got.nested.present || got.nested.table_walk);
    decode(SVM_EXIT_NPF, 0x100000007, 0);
    assert_int_equal(got.nested.access, CPU_ACCESS_WRITE);
    assert_true(got.nested.present);
    decode(SVM_EXIT_NPF, 0x100000015, 0);
    assert_int_equal(got.nested.access, CPU_ACCESS_EXEC);
    decode(SVM_EXIT_NPF, 0x10000000d, 0x5000);
    assert_int_equal(got.reason, CPU_EXIT_NESTED_BROKEN);
    decode(SVM_EXIT_NPF, 0x200000006, 0);
    assert_true(got.nested.table_walk);
}

static void ports(void **state)
{
    (void)state;
    decode(SVM_EXIT_IO, 0xcf8ull << 16 | 4 << 4, 0);
    assert_int_equal(got.reason, CPU_EXIT_IO);
    assert_int_equal(got.io.port, 0xcf8);
    assert_int_equal(got.io.bytes, 4);
    assert_true(got.io.write);
    assert_false(got.io.string);
    decode(SVM_EXIT_IO, 0xffffull << 16 | 1 << 4 | 1 << 2 | 1, 0);
    assert_int_equal(got.io.port, 0xffff);
    assert_false(got.io.write);
    assert_true(got.io.string);
}

static void msrs(void **state)
{
    (void)state;
    regs.rcx = 0xffffffffc0000080;
    regs.rdx = 0xaaaaaaaa00000001;
    regs.rax = 0xbbbbbbbb00000002;
    decode(SVM_EXIT_MSR, 1, 0);
    assert_int_equal(got.reason, CPU_EXIT_WRMSR);
    assert_int_equal(got.msr.index, 0xc0000080);
    assert_int_equal(got.msr.value, 0x100000002);
    decode(SVM_EXIT_MSR, 0, 0);
    assert_int_equal(got.reason, CPU_EXIT_RDMSR);
    assert_int_equal(got.length, 2);
}

static void exceptions_are_the_guests_once_it_has_handlers(void **state)
{
    (void)state;
    decode(SVM_EXIT_EXCEPTION + 14, 2, 0xdead000);
    assert_int_equal(got.reason, CPU_EXIT_EXCEPTION);
    assert_int_equal(got.exception.event.vector, 14);
    assert_int_equal(got.exception.event.error, 2);
    assert_true(got.exception.event.has_error);
    assert_false(got.exception.has_handler);
    assert_int_equal(got.exception.event.address, 0xdead000);

    decode(SVM_EXIT_IDTR_WRITE, 0, 0);
    assert_int_equal(got.reason, CPU_EXIT_IDT_LOAD);
    assert_int_equal(got.length, 0); /* the same instruction again, and not intercepted */
    assert_int_equal(vmcb.control.intercept1 & SVM_1_IDTR_WRITE, 0);
    assert_int_equal(vmcb.control.exceptions, 1u << 1 | 1u << 17 | 1u << 18);

    decode(SVM_EXIT_EXCEPTION + 17, 0, 0);
    assert_true(got.exception.has_handler);
    assert_true(got.exception.event.has_error);
    decode(SVM_EXIT_EXCEPTION + 1, 0, 0);
    assert_false(got.exception.event.has_error);
}

static void registers(void **state)
{
    (void)state;
    decode(SVM_EXIT_CR_WRITE, 0, 0);
    assert_int_equal(got.reason, CPU_EXIT_CONTROL);
    assert_says(got.what, "CR0");
    decode(SVM_EXIT_CR_WRITE + 8, 0, 0);
    assert_says(got.what, "CR8");
    decode(SVM_EXIT_CR_WRITE + 15, 0, 0);
    assert_says(got.what, "does not exist");
    decode(SVM_EXIT_DR_READ, 0, 0);
    assert_says(got.what, "debug register");
    decode(SVM_EXIT_DR_LAST, 0, 0);
    assert_says(got.what, "debug register");
}

static void lengths(void **state)
{
    (void)state;
    decode(SVM_EXIT_VMMCALL, 0, 0);
    assert_int_equal(got.length, 3);
    decode(SVM_EXIT_HLT, 0, 0);
    assert_int_equal(got.length, 1);
    /* A processor that tells knows of prefixes as well. */
    vmcb.control.exit_code = SVM_EXIT_CPUID;
    vmcb.control.next_rip = 0x1003;
    svm_exit_decode(&vmcb, &regs, true, &got);
    assert_int_equal(got.length, 3);
    vmcb.control.next_rip = 0;
    svm_exit_decode(&vmcb, &regs, true, &got);
    assert_int_equal(got.length, 2);
}

/* Every code there is: an answer, and words where the answer needs them. */
static void any_code(void **state)
{
    (void)state;
    for (uint64_t code = 0; code < 0x500; code++) {
        reset(NULL);
        decode(code, 0, 0);
        assert_in_range(got.reason, 0, CPU_EXIT_REASONS - 1);
        if (got.reason == CPU_EXIT_CONTROL || got.reason == CPU_EXIT_VIRT)
            assert_non_null(got.what);
    }
    decode(UINT64_MAX - 1, 0, 0);
    assert_int_equal(got.reason, CPU_EXIT_UNKNOWN);
}

static void says(const char *words)
{
    vmcb.control.exit_code = UINT64_MAX;
    svm_exit_decode(&vmcb, &regs, false, &got);
    assert_int_equal(got.reason, CPU_EXIT_ENTRY_FAILED);
    assert_says(got.what, words);
    reset(NULL);
}

static void refusals(void **state)
{
    (void)state;
    says("newer than the ones known here"); /* nothing is wrong with it */
    vmcb.save.efer &= ~SVM_EFER_SVME;
    says("SVME");
    vmcb.save.cr0 |= 1u << 29;
    says("CR0.NW");
    vmcb.save.cr0 |= 1ull << 32;
    says("CR0 has bits above 31");
    vmcb.save.cr3 = 1ull << 63;
    says("CR3");
    vmcb.save.cr4 |= 1u << 31;
    says("CR4 has reserved");
    vmcb.save.cr4 &= ~(1ull << 5);
    says("CR4.PAE");
    vmcb.save.cr0 &= ~1ull;
    says("CR0.PE");
    vmcb.save.dr7 = 1ull << 40;
    says("DR6 or DR7");
    vmcb.save.efer |= 1u << 9;
    says("EFER has reserved");
    vmcb.save.cs.attributes = 0x600;
    says("both 64-bit and 32-bit");
    vmcb.control.intercept2 = 0;
    says("VMRUN");
    vmcb.control.asid = 0;
    says("ASID");
    vmcb.control.io_map = 0x1001;
    says("I/O map");
    vmcb.control.msr_map = 0;
    says("MSR map");
    vmcb.control.nested_cr3 = 8;
    says("nested table");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nested_faults, reset),
        cmocka_unit_test_setup(ports, reset),
        cmocka_unit_test_setup(msrs, reset),
        cmocka_unit_test_setup(exceptions_are_the_guests_once_it_has_handlers, reset),
        cmocka_unit_test_setup(registers, reset),
        cmocka_unit_test_setup(lengths, reset),
        cmocka_unit_test_setup(any_code, reset),
        cmocka_unit_test_setup(refusals, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

# SPDX-License-Identifier: MIT
# An image that tests the CPU backends: the hypervisor's own objects, but for its list of what to boot and its cases, and
# in their place tests/cpu.

CPU_TEST_ASM := $(wildcard tests/cpu/*.asm)
CPU_TEST_C := $(filter-out tests/cpu/coverage_% tests/cpu/break_%,$(wildcard tests/cpu/*.c)) tests/cpu/coverage_none.c
CPU_TEST_LIBS :=

# COVERAGE=1 counts the lines of the backends that are run (make coverage has a BUILD of its own).
COVERAGE ?= 0
ifeq ($(COVERAGE),1)
CPU_TEST_C := $(CPU_TEST_C:%_none.c=%_gcov.c)
CPU_TEST_LIBS := $(shell $(CC) -print-file-name=libgcov.a)
$(BUILD)/kernel/kernel/cpu/%.o: KERNEL_CFLAGS += -O0 -fprofile-arcs -ftest-coverage -fprofile-update=atomic \
                                                -fprofile-info-section=gcov_info
endif

CPU_TEST_ASM_O := $(CPU_TEST_ASM:%.asm=$(BUILD)/kernel/%.asm.o)
CPU_TEST_O := $(CPU_TEST_ASM_O) $(CPU_TEST_C:%.c=$(BUILD)/kernel/%.o) $(BUILD)/kernel/symbols-none.o $(WRAP_O) \
              $(filter-out $(BUILD)/kernel/kernel/main.o $(BUILD)/kernel/kernel/cases.o $(BUILD)/kernel/kernel/shell.o \
                $(BUILD)/kernel/kernel/shell_show.o,$(KERNEL_O))

$(BUILD)/cpu-test.elf: $(CPU_TEST_O) linker.ld
	$(Q)$(CC) $(KERNEL_LDFLAGS) $(filter %.o,$^) $(CPU_TEST_LIBS) -o $@

$(BUILD)/cpu-test.elf32: $(BUILD)/cpu-test.elf
	$(Q)objcopy --strip-all -O elf32-i386 $< $@
	@echo "image    $@"

.PHONY: cpu-test-image
cpu-test-image: $(BUILD)/cpu-test.elf32

# SPDX-License-Identifier: MIT
# Unit and property tests of everything that needs no hardware, built for the host with its own libc, AddressSanitizer
# and UndefinedBehaviorSanitizer. A test is tests/host/test_NAME.c and the list of what it tests, TEST_NAME_SRC.

HOST_CC ?= $(CC)
HOST_WARN := $(filter-out -Wundef,$(WARN))
HOST_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
HOST_CFLAGS := -std=gnu11 -O1 -g -I. -fno-strict-aliasing -fno-omit-frame-pointer $(HOST_SANITIZE) $(HOST_WARN) -MMD -MP
HOST_RUN_SECONDS ?= 300

ACPI_SRC := kernel/acpi.c kernel/madt.c kernel/mcfg.c kernel/dmar.c lib/fmt.c

TEST_cmdline_SRC := kernel/cmdline.c
TEST_work_SRC := kernel/work.c
TEST_quota_SRC := kernel/quota.c kernel/cmdline.c
TEST_acpi_SRC := $(ACPI_SRC) tests/host/fake_memory.c
TEST_madt_SRC := $(ACPI_SRC) tests/host/fake_memory.c
TEST_dmar_SRC := $(ACPI_SRC) tests/host/fake_memory.c
TEST_dmar_property_SRC := $(TEST_dmar_SRC)
TEST_elf_SRC := kernel/elf.c
TEST_pci_SRC := drivers/pci.c drivers/pci_function.c tests/host/fake_pci.c
TEST_pci_function_SRC := $(TEST_pci_SRC)
TEST_pci_msi_SRC := drivers/pci_msi.c $(TEST_pci_SRC)
TEST_e1000_SRC := drivers/e1000.c
TEST_bootinfo_SRC := kernel/bootinfo.c tests/host/low_memory.c
TEST_fmt_SRC := lib/fmt.c
TEST_crc32_SRC := lib/crc32.c
TEST_spread_SRC := lib/spread.c
TEST_string_SRC :=

-include tests/host/dma.mk
-include tests/host/vtd.mk
-include tests/host/cpu.mk
-include tests/host/console.mk

HOST_TESTS := $(patsubst tests/host/test_%.c,%,$(wildcard tests/host/test_*.c))
HOST_BINS := $(HOST_TESTS:%=$(BUILD)/host/test_%)

$(BUILD)/host/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(HOST_CFLAGS) $(HOST_EXTRA_CFLAGS) -c $< -o $@

define host_test
$(BUILD)/host/test_$(1): $(BUILD)/host/tests/host/test_$(1).o $(TEST_$(1)_SRC:%.c=$(BUILD)/host/%.o)
	$$(Q)$$(HOST_CC) $$(HOST_SANITIZE) $$^ -lcmocka -o $$@
endef
$(foreach t,$(HOST_TESTS),$(eval $(call host_test,$(t))))

# What the toolchain makes of a guest's link line, for test_elf to take apart.
$(BUILD)/host/tiny.elf: tests/host/tiny.c
	@mkdir -p $(@D)
	$(Q)$(CC) -O1 -fPIE -ffreestanding -fno-stack-protector -nostdlib -static-pie -Wl,-z,max-page-size=4096,--build-id=none $< -o $@

# The loader's structures are read where they lie, which x86 does unaligned as well.
$(BUILD)/host/kernel/bootinfo.o: HOST_EXTRA_CFLAGS := -fno-sanitize=alignment

$(BUILD)/host/test_elf: | $(BUILD)/host/tiny.elf
$(BUILD)/host/tests/host/test_elf.o: HOST_EXTRA_CFLAGS := -DTINY_ELF='"$(BUILD)/host/tiny.elf"'

include tests/host/tsan.mk
include tests/host/steps.mk

# Each program's own report is kept beside it, and shown when it does not hold.
.PHONY: test-host
test-host: $(HOST_BINS)
	$(Q)failed=; for t in $^; do \
	    if CMOCKA_MESSAGE_OUTPUT=TAP timeout $(HOST_RUN_SECONDS) $$t >$$t.log 2>&1; \
	    then echo "ok   $${t##*/}: $$(grep -c '^ok' $$t.log) tests"; \
	    else rc=$$?; cat $$t.log; echo "FAIL $${t##*/}: status $$rc"; failed="$$failed $${t##*/}"; fi; \
	done; \
	if [ -n "$$failed" ]; then echo "host tests FAILED:$$failed"; exit 1; fi; \
	echo "host tests: $(words $(HOST_BINS)) programs held"

include tests/fuzz/fuzz.mk

# SPDX-License-Identifier: MIT
# What a person calls. Each target that needs more than a compiler lets tools/setup install it first; the build
# itself then runs in a second make, which finds the compiler that was just installed.

PYTHON := /usr/bin/python3
AGAIN = $(MAKE) --no-print-directory

.PRECIOUS: $(BUILD)/setup-%.stamp
$(BUILD)/setup-%.stamp: tools/setup
	@mkdir -p $(@D)
	$(Q)tools/setup $*
	@touch $@

SETUP_BUILD := $(BUILD)/setup-build.stamp
SETUP_RUN := $(SETUP_BUILD) $(BUILD)/setup-run.stamp
SETUP_TEST := $(SETUP_RUN) $(BUILD)/setup-test.stamp

.PHONY: help run test test-boot debug check report iso setup
help:
	@echo 'make             the images: $(BUILD)/sluice.elf32 and $(BUILD)/guest.elf (CC=clang for the second compiler)'
	@echo 'make run         everything: real traffic over a metered NIC, a table, verdicts; under 2 minutes'
	@echo 'make test        test-host and test-boot; under 10 minutes'
	@echo 'make test-host   unit and property tests on the host, with sanitizers'
	@echo 'make test-boot   boots in QEMU: matrix, bad input, negative tests'
	@echo 'make check       format, licence lines, headers, static analysis'
	@echo 'make debug       QEMU waits for gdb; says how to attach'
	@echo 'make report      boot time, image size, source lines'
	@echo 'make iso         $(BUILD)/sluice-bios.iso and $(BUILD)/sluice-efi.iso'
	@echo 'make setup       installs the Debian packages that are missing'
	@echo 'make clean       removes $(BUILD) and out'
	@echo
	@echo 'DEBUG=1 fills freed frames with junk; V=1 shows commands; QEMU= and ACCEL= choose the emulator.'

setup: $(SETUP_TEST)

run: $(SETUP_RUN)
	$(Q)$(AGAIN) all
	$(Q)$(PYTHON) tools/run --build $(BUILD)

test: $(SETUP_TEST)
	$(Q)$(AGAIN) test-host
	$(Q)$(AGAIN) test-boot

test-boot: $(SETUP_TEST)
	$(Q)$(AGAIN) all
	$(Q)SLUICE_BUILD=$(BUILD) $(PYTHON) -B -m pytest -q -n 2 -p no:cacheprovider tests/boot $(PYTEST)

debug: $(SETUP_TEST)
	$(Q)$(AGAIN) all
	$(Q)$(PYTHON) tools/debug $(BUILD) $(WORDS)

check: $(SETUP_TEST)
	$(Q)CC='$(CC)' KERNEL_CFLAGS='$(KERNEL_CFLAGS)' GUEST_CFLAGS='$(GUEST_BASE) $(WARN)' \
	    HOST_CFLAGS='$(HOST_CFLAGS)' $(PYTHON) tools/check

report: $(SETUP_RUN)
	$(Q)$(AGAIN) all
	$(Q)$(PYTHON) tools/report $(BUILD)

ISO_WORDS ?= com1=115200,8n1 exit=halt work=tcp_rx,tcp_tx,http,echo strategy=on-demand
iso: $(SETUP_RUN)
	$(Q)$(AGAIN) all
	$(Q)for platform in bios efi; do $(PYTHON) -B tools/iso.py $$platform $(BUILD)/sluice-$$platform.iso \
	    $(BUILD)/sluice.elf32 $(BUILD)/guest.elf $(ISO_WORDS) || exit 1; done

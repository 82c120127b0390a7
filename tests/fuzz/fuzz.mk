# SPDX-License-Identifier: MIT
# libFuzzer over the parsers: make fuzz-NAME SECONDS=30, make fuzz-short. A target is tests/fuzz/fuzz_NAME.c and what it
# tests, FUZZ_NAME_SRC. It begins with what tests/fuzz/seeds.c writes; nothing that it finds is kept in the repository.

FUZZ_CC ?= clang
FUZZ_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_CFLAGS := -std=gnu11 -O1 -g -I. -fno-strict-aliasing -fno-omit-frame-pointer $(FUZZ_SANITIZE) -fsanitize=fuzzer-no-link $(HOST_WARN) -MMD -MP
SECONDS ?= 30

FUZZ_acpi_SRC := $(ACPI_SRC) tests/host/fake_memory.c
FUZZ_dmar_SRC := $(ACPI_SRC) tests/host/fake_memory.c
FUZZ_elf_SRC := kernel/elf.c
FUZZ_cmdline_SRC := kernel/cmdline.c kernel/work.c kernel/quota.c drivers/pci.c drivers/pci_function.c tests/host/fake_pci.c
FUZZ_memcache_SRC := guest/memcache_session.c guest/memcache_commands.c guest/memcache_store.c lib/fmt.c
FUZZ_http_SRC := guest/http_request.c
FUZZ_bootinfo_SRC := kernel/bootinfo.c tests/host/low_memory.c

FUZZ_TARGETS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_CORPUS := $(BUILD)/fuzz/corpus

$(BUILD)/fuzz/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_CFLAGS) $(FUZZ_EXTRA_CFLAGS) -c $< -o $@

# The loader's structures are read where they lie, which x86 does unaligned as well.
$(BUILD)/fuzz/kernel/bootinfo.o: FUZZ_EXTRA_CFLAGS := -fno-sanitize=alignment

define fuzz_target
$(BUILD)/fuzz/fuzz_$(1): $(BUILD)/fuzz/tests/fuzz/fuzz_$(1).o $(FUZZ_$(1)_SRC:%.c=$(BUILD)/fuzz/%.o)
	$$(Q)$$(FUZZ_CC) $$(FUZZ_SANITIZE) -fsanitize=fuzzer $$^ -o $$@

# A crash is kept beside the program, with how to run it again.
.PHONY: fuzz-$(1)
fuzz-$(1): $(BUILD)/fuzz/fuzz_$(1) $(FUZZ_CORPUS)/made
	$$(Q)mkdir -p $(FUZZ_CORPUS)/$(1)
	$$(Q)$$< -max_total_time=$$(SECONDS) -max_len=16384 -timeout=5 -artifact_prefix=$(BUILD)/fuzz/$(1)- $(FUZZ_CORPUS)/$(1) >$$<.log 2>&1 \
	    || { tail -n 60 $$<.log; echo "FAIL fuzz-$(1): the input is named above; run $$< FILE"; exit 1; }
	@echo "ok   fuzz-$(1): $$$$(tail -n 1 $$<.log)"
endef
$(foreach t,$(FUZZ_TARGETS),$(eval $(call fuzz_target,$(t))))

$(FUZZ_CORPUS)/made: $(BUILD)/host/tests/fuzz/seeds.o
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(HOST_SANITIZE) $< -o $(BUILD)/fuzz/seeds
	$(Q)$(BUILD)/fuzz/seeds $(@D)
	@touch $@

.PHONY: fuzz-short
fuzz-short: SECONDS := 5
fuzz-short: $(FUZZ_TARGETS:%=fuzz-%)

# SPDX-License-Identifier: MIT
# make run: everything a newcomer needs. make help: the rest.

BUILD ?= build
CC ?= gcc
DEBUG ?= 0
V ?= 0
Q := $(if $(filter 0,$(V)),@)

# A make without CC= uses gcc, not the implicit cc.
ifeq ($(origin CC),default)
CC := gcc
endif
IS_CLANG := $(findstring clang,$(CC))
# Silent where there is no compiler yet: the first make only installs one.
CC_INCLUDE := $(if $(IS_CLANG),$(shell $(CC) -print-resource-dir 2>/dev/null)/include,$(shell $(CC) -print-file-name=include 2>/dev/null))

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef \
        -Wpointer-arith -Wwrite-strings -Wcast-align -Wimplicit-fallthrough
BASE := -std=c11 -O2 -g -ffreestanding -nostdinc -isystem $(CC_INCLUDE) -isystem lib/include -I. \
        -fno-omit-frame-pointer -mno-red-zone -mgeneral-regs-only -fno-stack-protector \
        -fno-asynchronous-unwind-tables -fno-strict-aliasing -ffile-prefix-map=$(CURDIR)=. -MMD -MP
ifeq ($(DEBUG),1)
BASE += -DDEBUG=1
endif

.PHONY: all
all: $(BUILD)/sluice.elf32 $(BUILD)/guest.elf

# ---- the hypervisor -------------------------------------------------------------------------------
KERNEL_ASM := $(wildcard boot/*.asm kernel/*.asm kernel/cpu/*.asm)
KERNEL_C := $(wildcard kernel/*.c kernel/cpu/*.c kernel/dma/*.c vtd/*.c lib/*.c) \
            drivers/uart.c drivers/pci.c drivers/pci_function.c drivers/pci_config.c \
            drivers/pci_msi.c drivers/e1000.c
KERNEL_O := $(KERNEL_ASM:%.asm=$(BUILD)/kernel/%.asm.o) $(KERNEL_C:%.c=$(BUILD)/kernel/%.o) $(BUILD)/kernel/commit.o
KERNEL_CFLAGS := $(BASE) $(WARN) -fno-pic -fno-pie -mcmodel=small
KERNEL_LDFLAGS := -nostdlib -static -Wl,-T,linker.ld,--build-id=none,-z,max-page-size=4096,-z,noexecstack,--no-warn-rwx-segments
# Test builds put another function in place of one: WRAP="vtd_inv_iotlb" WRAP_SRC=tests/boot/break_inval.c
WRAP ?=
WRAP_SRC ?=
WRAP_O := $(WRAP_SRC:%.c=$(BUILD)/kernel/%.o)
KERNEL_LDFLAGS += $(foreach f,$(WRAP),-Wl,--wrap=$(f))

$(BUILD)/kernel/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_CFLAGS) -c $< -o $@

$(BUILD)/kernel/%.asm.o: %.asm
	@mkdir -p $(@D)
	$(Q)nasm -f elf64 -g -F dwarf -i ./ -MD $(@:.o=.d) $< -o $@

# The commit goes into each boot's first record. Written anew only when it has changed.
COMMIT := $(or $(shell git -C $(CURDIR) describe --always --dirty --abbrev=12 --exclude '*' 2>/dev/null),unknown)
$(BUILD)/commit.c: FORCE
	@mkdir -p $(@D)
	@printf '#include "kernel/build.h"\n\nconst char build_commit[] = "%s";\n' '$(COMMIT)' >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

.PHONY: FORCE
FORCE:

# Text that plans.asm takes in as it is.
$(BUILD)/kernel/kernel/plans.asm.o: $(wildcard kernel/plans/*.plan)

# Linked twice: the panic's backtrace needs the names of the functions in the image itself. The symbol table comes last in
# its segment order, so the second link moves no function.
$(BUILD)/symbols-none.c: tools/mksymbols
	@mkdir -p $(@D)
	$(Q)tools/mksymbols </dev/null >$@

$(BUILD)/symbols.c: $(BUILD)/sluice-first.elf tools/mksymbols
	$(Q)nm -n $< | tools/mksymbols >$@

$(BUILD)/kernel/%.o: $(BUILD)/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_CFLAGS) -c $< -o $@

$(BUILD)/sluice-first.elf: $(KERNEL_O) $(WRAP_O) $(BUILD)/kernel/symbols-none.o linker.ld
	$(Q)$(CC) $(KERNEL_LDFLAGS) $(filter %.o,$^) -o $@

$(BUILD)/sluice.elf: $(KERNEL_O) $(WRAP_O) $(BUILD)/kernel/symbols.o linker.ld
	$(Q)$(CC) $(KERNEL_LDFLAGS) $(filter %.o,$^) -o $@

# What ships: multiboot loaders take ELF32 only; gdb wants the ELF64 beside it.
$(BUILD)/sluice.elf32: $(BUILD)/sluice.elf
	$(Q)objcopy --strip-all -O elf32-i386 $< $@
	@echo "image    $@"

# ---- the guest ------------------------------------------------------------------------------------
include guest/guest.mk

# ---- the host's tests -----------------------------------------------------------------------------
include tests/host/host.mk

# ---- the CPU backends' tests ------------------------------------------------------------------------
include tests/cpu/cpu.mk

# ---- everything a person calls --------------------------------------------------------------------
include tools/mapsim/mapsim.mk
include tools/targets.mk
include tests/bench/bench.mk

.PHONY: clean
clean:
	rm -rf $(BUILD) out

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

# SPDX-License-Identifier: MIT
# The guest: a static-PIE ELF64 of its own sources, the drivers, the string functions and lwIP.

# lwIP is Debian's source package, in a cache that make clean does not touch.
LWIP_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/sluice
LWIP := $(LWIP_CACHE)/lwip-2.1.3
LWIP_C := $(addprefix core/,def.c inet_chksum.c init.c ip.c mem.c memp.c netif.c pbuf.c raw.c tcp.c tcp_in.c \
            tcp_out.c timeouts.c udp.c ipv4/etharp.c ipv4/icmp.c ipv4/ip4.c ipv4/ip4_addr.c) \
          netif/ethernet.c

GUEST_C := $(wildcard guest/*.c guest/lwip/*.c guest/work/*.c) drivers/e1000.c $(wildcard kernel/dma/iova*.c) lib/string.c lib/fmt.c lib/dma_trace.c lib/spread.c
GUEST_ASM := $(wildcard guest/*.asm)
GUEST_O := $(GUEST_ASM:%.asm=$(BUILD)/guest/%.asm.o) $(GUEST_C:%.c=$(BUILD)/guest/%.o) $(LWIP_C:%.c=$(BUILD)/lwip/%.o)
GUEST_BASE := $(filter-out -MMD,$(BASE)) -fPIE -fvisibility=hidden -Iguest/lwip -isystem $(LWIP)/src/include
# lwIP's headers count as system headers, and so do those of ours that they include: -MMD would leave them out.
GUEST_DEPS := -MD
GUEST_LDFLAGS := -nostdlib -static-pie -Wl,-T,guest/guest.ld,--no-dynamic-linker,--build-id=none \
                 -Wl,-z,norelro,-z,max-page-size=4096,-z,noexecstack,--hash-style=sysv

$(BUILD)/guest/%.o: %.c | $(LWIP)
	@mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_BASE) $(GUEST_DEPS) $(WARN) -c $< -o $@

$(BUILD)/guest/%.asm.o: %.asm
	@mkdir -p $(@D)
	$(Q)nasm -f elf64 -g -F dwarf -i ./ $< -o $@

# Not ours to clean up: its warnings are not shown.
$(BUILD)/lwip/%.o: $(LWIP)/src/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_BASE) $(GUEST_DEPS) -w -c $< -o $@

# The sources and the directory they lie in are there together or not at all.
$(LWIP) $(LWIP_C:%=$(LWIP)/src/%) &:
	$(Q)LWIP_CACHE=$(LWIP_CACHE) tools/fetch-lwip >/dev/null

$(BUILD)/guest.elf: $(GUEST_O) guest/guest.ld
	$(Q)$(CC) $(GUEST_LDFLAGS) $(GUEST_O) -o $@
	@echo "guest    $@"

# Before host.mk makes a rule of each test: what the guest's own tests are made of.
include tests/host/guest.mk

# SPDX-License-Identifier: MIT
# make mapsim: the trace replayer, built for the host with the engine's own sources.

MAPSIM_SRC := $(wildcard tools/mapsim/*.c) $(wildcard kernel/dma/*.c)
MAPSIM_CFLAGS := -std=gnu11 -O2 -g -I. -fno-strict-aliasing $(HOST_WARN) -MMD -MP
MAPSIM_O := $(MAPSIM_SRC:%.c=$(BUILD)/mapsim/%.o)

$(BUILD)/mapsim/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(MAPSIM_CFLAGS) -c $< -o $@

$(BUILD)/host/mapsim: $(MAPSIM_O)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $^ -lzstd -o $@

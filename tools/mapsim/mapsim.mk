# SPDX-License-Identifier: MIT
# make mapsim: the trace replayer, built for the host with the engine's own sources.

# One program of the engine and its replay: calls between files are inlined.
MAPSIM_LTO := $(if $(IS_CLANG),,-flto=auto)
MAPSIM_SRC := $(wildcard tools/mapsim/*.c) $(wildcard kernel/dma/*.c) lib/dma_trace.c
MAPSIM_CFLAGS := -std=gnu11 -O3 -g $(MAPSIM_LTO) -I. -fno-strict-aliasing $(HOST_WARN) -MMD -MP
MAPSIM_O := $(MAPSIM_SRC:%.c=$(BUILD)/mapsim/%.o)

$(BUILD)/mapsim/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(MAPSIM_CFLAGS) -c $< -o $@

$(BUILD)/host/mapsim: $(MAPSIM_O)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) -O3 $(MAPSIM_LTO) $^ -lzstd -o $@

# What the engine costs: tools/bench/bench.py counts and times this program.
BENCH_O := $(patsubst %.c,$(BUILD)/mapsim/%.o,tools/bench/engine.c $(wildcard kernel/dma/*.c) \
           tools/mapsim/count_hw.c $(wildcard tools/mapsim/trace*.c) lib/dma_trace.c)

$(BUILD)/host/bench-engine: $(BENCH_O)
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) -O3 $(MAPSIM_LTO) $^ -lzstd -o $@

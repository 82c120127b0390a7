# SPDX-License-Identifier: MIT
# Benchmarks on the host, of the very objects that the image is made of: make bench-iova, make bench-flush.

BENCH_CFLAGS := -std=gnu11 -O2 -g -I. -fno-pie $(HOST_WARN) -MMD -MP

$(BUILD)/bench/%.o: tests/bench/%.c
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(BENCH_CFLAGS) -c $< -o $@

$(BUILD)/bench/bench_iova: $(BUILD)/bench/bench_iova.o $(IOVA_SRC:%.c=$(BUILD)/kernel/%.o)
	$(Q)$(HOST_CC) -no-pie $^ -lpthread -o $@

.PHONY: bench-iova
bench-iova: $(SETUP_TEST)
	$(Q)$(AGAIN) $(BUILD)/bench/bench_iova
	$(Q)$(PYTHON) tests/bench/iova.py $(BUILD)/bench/bench_iova

BENCH_ENGINE_O := $(patsubst %.c,$(BUILD)/kernel/%.o,$(wildcard kernel/dma/*.c))
$(BUILD)/bench/bench_flush: $(BUILD)/bench/bench_flush.o $(BENCH_ENGINE_O)
	$(Q)$(HOST_CC) -no-pie $^ -lpthread -o $@

.PHONY: bench-flush
bench-flush: $(SETUP_TEST)
	$(Q)$(AGAIN) $(BUILD)/bench/bench_flush
	$(Q)$(PYTHON) tests/bench/flush.py $(BUILD)/bench/bench_flush

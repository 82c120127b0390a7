# SPDX-License-Identifier: MIT
# Tests with threads, under ThreadSanitizer: tests/host/threads_NAME.c and what it tests, THREADS_NAME_SRC.

THREADS_iova_SRC := $(IOVA_SRC)
THREADS_flush_SRC := $(DMA_ENGINE_SRC) tests/host/fake_dma_hw.c
THREADS_evict_SRC := $(RACE_SRC)

TSAN_FLAGS := -fsanitize=thread
TSAN_CFLAGS := $(filter-out $(HOST_SANITIZE),$(HOST_CFLAGS)) $(TSAN_FLAGS)
TSAN_TESTS := $(patsubst tests/host/threads_%.c,%,$(wildcard tests/host/threads_*.c))
HOST_BINS += $(TSAN_TESTS:%=$(BUILD)/tsan/threads_%)

$(BUILD)/tsan/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(TSAN_CFLAGS) -c $< -o $@

define tsan_test
$(BUILD)/tsan/threads_$(1): $(BUILD)/tsan/tests/host/threads_$(1).o $(THREADS_$(1)_SRC:%.c=$(BUILD)/tsan/%.o)
	$$(Q)$$(HOST_CC) $$(TSAN_FLAGS) $$^ -lcmocka -lpthread -o $$@
endef
$(foreach t,$(TSAN_TESTS),$(eval $(call tsan_test,$(t))))

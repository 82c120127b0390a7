# SPDX-License-Identifier: MIT
# Tests that go through every order of steps: tests/host/steps_NAME.c and what it tests, STEPS_NAME_SRC. No
# AddressSanitizer: threads run on stacks of their own, which are copied whole.

STEPS_evict_SRC := $(RACE_SRC) tests/host/race_steps.c tests/host/race_hardware.c tests/host/interleave.c
STEPS_interleave_SRC := tests/host/interleave.c

STEPS_FLAGS := -fsanitize=undefined -fno-sanitize-recover=all
STEPS_CFLAGS := $(filter-out $(HOST_SANITIZE),$(HOST_CFLAGS)) $(STEPS_FLAGS)
STEPS_TESTS := $(patsubst tests/host/steps_%.c,%,$(wildcard tests/host/steps_*.c))
HOST_BINS += $(STEPS_TESTS:%=$(BUILD)/steps/steps_%)

$(BUILD)/steps/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) $(STEPS_CFLAGS) -c $< -o $@

define steps_test
$(BUILD)/steps/steps_$(1): $(BUILD)/steps/tests/host/steps_$(1).o $(STEPS_$(1)_SRC:%.c=$(BUILD)/steps/%.o)
	$$(Q)$$(HOST_CC) $$(STEPS_FLAGS) $$^ -lcmocka -o $$@
endef
$(foreach t,$(STEPS_TESTS),$(eval $(call steps_test,$(t))))

$(BUILD)/steps/steps_evict: private STEPS_FLAGS += $(foreach f,set clear invalidate done wait,-Wl,--wrap=dma_hw_$(f))

$(RACE_WORDS_SRC:%.c=$(BUILD)/steps/%.o): private STEPS_CFLAGS += -include tests/host/race_words.h

# Saves, hashes and puts back, and little else.
$(BUILD)/steps/tests/host/interleave.o: private STEPS_CFLAGS := $(filter-out $(HOST_SANITIZE) -O1,$(HOST_CFLAGS)) -O2

# SPDX-License-Identifier: MIT
# The tests of the DMA engine, over a fake unit.

DMA_ENGINE_SRC := $(wildcard kernel/dma/*.c)
DMA_SIM_SRC := $(DMA_ENGINE_SRC) tests/host/fake_dma_hw.c tests/host/dma_ref.c tests/host/ref_order.c $(wildcard tests/host/dma_sim*.c)

TEST_dma_SRC := $(DMA_ENGINE_SRC) tests/host/fake_dma_hw.c tests/host/dma_fixture.c
TEST_dma_window_SRC := $(TEST_dma_SRC) tests/host/window_life.c
TEST_dma_quota_SRC := $(TEST_dma_SRC)
TEST_dma_word_SRC :=
TEST_evict_SRC := $(DMA_ENGINE_SRC) tests/host/fake_dma_hw.c tests/host/ref_order.c
TEST_adaptive_SRC := $(DMA_ENGINE_SRC) tests/host/fake_dma_hw.c
IOVA_SRC := $(wildcard kernel/dma/iova*.c)
IOVA_LIFE_SRC := $(IOVA_SRC) tests/host/iova_life.c tests/host/iova_ref.c

TEST_iova_SRC := $(IOVA_SRC)
TEST_iova_property_SRC := $(IOVA_LIFE_SRC)
TEST_iova_break_SRC := $(IOVA_LIFE_SRC)
TEST_dma_property_SRC := $(DMA_SIM_SRC)
TEST_dma_break_SRC := $(DMA_SIM_SRC) tests/host/window_life.c

$(BUILD)/host/test_dma_break: private HOST_SANITIZE += $(foreach f,invalidate clear wait done,-Wl,--wrap=dma_hw_$(f))

FUZZ_dma_SRC := $(DMA_SIM_SRC) tests/host/window_life.c
FUZZ_iova_SRC := $(IOVA_LIFE_SRC)

# The guest's code above the engine's, tests/host/race.h: what meets in the shared words, and what else links.
RACE_WORDS_SRC := $(filter-out kernel/dma/iova%,$(DMA_ENGINE_SRC)) guest/dma.c
RACE_SRC := $(RACE_WORDS_SRC) guest/dma_window.c guest/trace.c $(IOVA_SRC) tests/host/fake_dma_hw.c tests/host/race.c tests/host/race_guest.c

# SPDX-License-Identifier: MIT
# The tests of the DMA engine, over a fake unit.

DMA_ENGINE_SRC := $(wildcard kernel/dma/*.c)
DMA_SIM_SRC := $(DMA_ENGINE_SRC) tests/host/fake_dma_hw.c tests/host/dma_ref.c tests/host/ref_order.c $(wildcard tests/host/dma_sim*.c)

TEST_dma_SRC := $(DMA_ENGINE_SRC) tests/host/fake_dma_hw.c tests/host/dma_fixture.c
TEST_dma_quota_SRC := $(TEST_dma_SRC)
TEST_dma_word_SRC :=
TEST_evict_SRC := $(filter-out %/dma.c,$(DMA_ENGINE_SRC)) kernel/dma/dma.c tests/host/fake_dma_hw.c tests/host/ref_order.c
TEST_dma_property_SRC := $(DMA_SIM_SRC)
TEST_dma_break_SRC := $(DMA_SIM_SRC)

$(BUILD)/host/test_dma_break: private HOST_SANITIZE += $(foreach f,invalidate clear wait,-Wl,--wrap=dma_hw_$(f))

FUZZ_dma_SRC := $(DMA_SIM_SRC)

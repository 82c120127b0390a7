# SPDX-License-Identifier: MIT
# vtd/ over units whose registers are memory.
VTD_SRC := $(wildcard vtd/*.c) tests/host/fake_vtd.c

TEST_vtd_table_SRC := $(VTD_SRC)
TEST_vtd_queue_SRC := $(VTD_SRC)
TEST_vtd_start_SRC := $(VTD_SRC)
TEST_vtd_fault_SRC := $(VTD_SRC)
TEST_vtd_absent_SRC := $(VTD_SRC)
TEST_vtd_interrupt_SRC := $(VTD_SRC)
TEST_vtd_price_SRC := $(VTD_SRC)
TEST_walker_SRC := $(VTD_SRC) kernel/walker.c lib/fmt.c

TEST_dma_domains_SRC := $(DMA_ENGINE_SRC) $(VTD_SRC)

# Tests look at every state between two writes.
$(BUILD)/host/vtd/table.o $(BUILD)/host/vtd/remap.o: HOST_EXTRA_CFLAGS := -Dvtd_entry_write=observed_entry_write

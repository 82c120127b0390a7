/* SPDX-License-Identifier: MIT */
/* Table pages set aside for splits, linked by their first word. */
#include <errno.h>
#include "kernel/mem.h"
#include "kernel/panic.h"
#include "vtd/unit.h"

int vtd_reserve_grow(struct dma_hw *hw, unsigned pages)
{
    for (unsigned i = 0; i < pages; i++) {
        hpa_t frame = vtd_table_alloc(hw->unit);
        if (frame.v == 0) {
            while (i--)
                frame_free(vtd_reserve_take(hw));
            return -ENOMEM;
        }
        *(uint64_t *)phys_to_virt(frame) = hw->reserve.v;
        hw->reserve = frame;
    }
    return 0;
}

hpa_t vtd_reserve_take(struct dma_hw *hw)
{
    hpa_t frame = hw->reserve;
    ASSERT(frame.v != 0);
    uint64_t *link = phys_to_virt(frame);
    hw->reserve = hpa(*link);
    vtd_entry_write(hw->unit, link, 0);
    return frame;
}

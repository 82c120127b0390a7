/* SPDX-License-Identifier: MIT */
/* What the unit takes for one invalidation, by the clock. Nothing has changed that would need one,
 * so none is counted as the domain's. */
#include <errno.h>
#include "kernel/time.h"
#include "vtd/unit.h"
#include "vtd/vtd.h"

/* As batch.c makes them, drains and hint included: VT-d specification, section 6.5.2.3. */
static struct vtd_descriptor descriptor(const struct dma_hw *hw, enum vtd_price what, iova_t page)
{
    const struct vtd_unit *u = hw->unit;
    uint64_t low = VTD_INV_IOTLB | vtd_drains(u);
    uint64_t hint = u->cap & VTD_CAP_CM ? 0 : VTD_INV_LEAVES_ONLY;

    if (what == VTD_PRICE_PAGE)
        return (struct vtd_descriptor){low | VTD_INV_SELECTIVE | VTD_INV_ID(hw->id), page.v | hint};
    if (what == VTD_PRICE_DOMAIN)
        return (struct vtd_descriptor){.low = low | VTD_INV_DOMAIN | VTD_INV_ID(hw->id)};
    return (struct vtd_descriptor){.low = low | VTD_INV_GLOBAL};
}

int vtd_price(struct dma_hw *hw, enum vtd_price what, iova_t page, uint64_t *ticks)
{
    struct vtd_unit *u = hw->unit;
    uint64_t begin;
    dma_token_t token;
    int error = 0;

    if (!vtd_has_registers(u))
        return -ENODEV;
    if (what == VTD_PRICE_PAGE && !(u->cap & VTD_CAP_PSI))
        return -ENOTSUP;
    begin = tsc_read();
    if (what != VTD_PRICE_WAIT)
        error = vtd_queue_add(u, descriptor(hw, what, page));
    if (!error)
        error = vtd_queue_submit(u, &token);
    if (!error)
        error = vtd_queue_wait(u, token);
    *ticks = tsc_read() - begin;
    return error;
}

/* SPDX-License-Identifier: MIT */
/*
 * A machine without VT-d, where unsafe-no-iommu accepts that the device reaches all memory: one
 * unit without registers behind it. Its tables and descriptors are those that a real one would get,
 * and are counted; nobody reads them but the walker.
 */
#include <errno.h>
#include "vtd/unit.h"
#include "vtd/vtd.h"

/* 64 Ki domains, page-selective invalidation of up to 2^18 pages. */
#define CAP  (6 | 18ull << 48 | VTD_CAP_2M | VTD_CAP_1G | VTD_CAP_PSI | VTD_CAP_DWD | VTD_CAP_DRD)
#define ECAP (VTD_ECAP_C | VTD_ECAP_QI | VTD_ECAP_PT)

static struct vtd_unit unit;
static bool is_on;

int vtd_start_absent(void)
{
    unit = (struct vtd_unit){.cap = CAP, .ecap = ECAP, .levels = 4, .width = 48};
    unit.root = vtd_table_alloc(&unit);
    is_on = unit.root.v != 0 && vtd_queue_start(&unit) == 0;
    return is_on ? 0 : -ENOMEM;
}

struct vtd_unit *vtd_absent(void)
{
    return is_on ? &unit : NULL;
}

bool vtd_is_absent(void)
{
    return is_on;
}

hpa_t vtd_absent_root(void)
{
    return unit.root;
}

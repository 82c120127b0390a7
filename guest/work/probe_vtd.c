/* SPDX-License-Identifier: MIT */
/* The device reads and writes the IOMMU's own registers: the way to turn it off from the inside. */
#include <stddef.h>
#include "guest/console.h"
#include "guest/work/probe.h"
#include "guest/workload.h"

#define REGISTERS 0xfed90000u

static int run(void)
{
    probe_start();
    uint64_t address = probe_foreign_address(REGISTERS);

    say("probe_vtd: the device reads and writes 0x%zx, the IOMMU's registers", (size_t)address);
    probe_read(address);
    probe_pause();
    probe_write(address);
    return 0;
}

const struct workload probe_vtd = {"probe_vtd", run};

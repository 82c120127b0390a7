/* SPDX-License-Identifier: MIT */
/* The device reads a page of the guest that nobody mapped for it, and one behind the guest's RAM.
 */
#include <stddef.h>
#include "guest/console.h"
#include "guest/hyper.h"
#include "guest/work/probe.h"
#include "guest/workload.h"

static int run(void)
{
    probe_start();
    uint64_t page = (uintptr_t)probe_frame();
    uint64_t behind = probe_foreign_address(boot->ram_base + boot->ram_bytes + (1u << 20));

    if (probe_rights(page) == 0) {
        say("probe_unmapped: the device reads 0x%zx, which is not mapped", (size_t)page);
        probe_read(page);
        probe_pause();
    }
    say("probe_unmapped: the device reads 0x%zx, behind the guest's RAM", (size_t)behind);
    probe_read(behind);
    return 0;
}

const struct workload probe_unmapped = {"probe_unmapped", run};

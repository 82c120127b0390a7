/* SPDX-License-Identifier: MIT */
/* The device reads and writes memory of the hypervisor: address=, by default where its image lies.
 */
#include <stddef.h>
#include "guest/console.h"
#include "guest/work/probe.h"
#include "guest/workload.h"

#define IMAGE 0x200000u

static int run(void)
{
    probe_start();
    uint64_t address = probe_foreign_address(IMAGE);

    say("probe_hypervisor: the device reads and writes 0x%zx, where the hypervisor lies",
        (size_t)address);
    probe_read(address);
    probe_pause();
    probe_write(address);
    return 0;
}

const struct workload probe_hypervisor = {"probe_hypervisor", run};

/* SPDX-License-Identifier: MIT */
/* The device's interrupt comes when the NIC has been allowed to raise it, and only then: whatever
 * comes while it may not is somebody else's. */
#include <stddef.h>
#include "guest/console.h"
#include "guest/interrupt.h"
#include "guest/work/probe.h"
#include "guest/workload.h"

#define FRAMES  20u
#define WAIT_US 2000000u

static int run(void)
{
    probe_start();
    if (!interrupt_is_on())
        fail("probe_irq: needs irq=msi");
    probe_pause();
    if (interrupt_count() > 0)
        fail("probe_irq: %zu interrupts came, and the NIC may raise none",
             (size_t)interrupt_count());
    for (unsigned i = 0; i < FRAMES; i++) {
        if (!probe_interrupt(WAIT_US))
            fail("probe_irq: no interrupt came for frame %u within %u ms", i, WAIT_US / 1000);
    }
    say("probe_irq: an interrupt for each of %u frames", FRAMES);
    return 0;
}

const struct workload probe_irq = {"probe_irq", run};

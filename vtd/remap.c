/* SPDX-License-Identifier: MIT */
/* Interrupt remapping (VT-d specification, sections 5.1 and 10.4.29): every entry is not present,
 * so no device can raise an interrupt until one is given to it. */
#include <errno.h>
#include "kernel/log.h"
#include "kernel/mem.h"
#include "kernel/x86.h"
#include "vtd/unit.h"

#define APIC_BASE_EXTD  (1ull << 10)
#define ENTRIES_OF_PAGE 256

_Static_assert(2u << VTD_IRTA_256 == ENTRIES_OF_PAGE, "one page of 16-byte entries");

int vtd_remap_start(struct vtd_unit *u)
{
    bool x2apic = (rdmsr(MSR_APIC_BASE) & APIC_BASE_EXTD) != 0;
    if (x2apic && !(u->ecap & VTD_ECAP_EIM)) {
        log_error("vtd",
                  "unit %u at 0x%llx: can't address the processor's x2APIC; turn x2APIC off in the "
                  "firmware's setup",
                  u->index, (unsigned long long)u->base.v);
        return -ENOTSUP;
    }
    u->interrupts = vtd_table_alloc(u);
    if (u->interrupts.v == 0)
        return -ENOMEM;
    vtd_write64(u, VTD_IRTA, u->interrupts.v | (x2apic ? VTD_IRTA_EIME : 0) | VTD_IRTA_256);
    int error = vtd_command(u, VTD_G_SIRTP, true);
    if (!error)
        error = vtd_queue_run(u, (struct vtd_descriptor){.low = VTD_INV_INTERRUPT});
    /* Compatibility-format messages would pass around the table: CFI is off (unit.c). */
    return error ? error : vtd_command(u, VTD_G_IRE, true);
}

/* SPDX-License-Identifier: MIT */
/* Fault records, polled, in words (VT-d specification, sections 7.1 and 10.4.14). */
#include "kernel/log.h"
#include "kernel/time.h"
#include "vtd/unit.h"
#include "vtd/vtd.h"

#define LINES_A_WINDOW 8
#define WINDOW_US      1000000u

static uint64_t seen;

/* Section 7.1.3. */
static const char *const translation_reason[] = {
    [0x1] = "the bus is blocked (root entry not present)",
    [0x2] = "the device is blocked (context entry not present)",
    [0x3] = "invalid context entry",
    [0x4] = "address beyond the unit's width",
    [0x5] = "no write permission",
    [0x6] = "no read permission",
    [0x7] = "paging table out of reach",
    [0x8] = "root table out of reach",
    [0x9] = "context table out of reach",
    [0xa] = "reserved bit set in the root entry",
    [0xb] = "reserved bit set in the context entry",
    [0xc] = "reserved bit set in a paging entry",
    [0xd] = "requests of this type are blocked by the context entry",
    [0xe] = "translates into the interrupt range",
};

static const char *const interrupt_reason[] = {
    [0x0] = "reserved bit set in the interrupt request",
    [0x1] = "index beyond the interrupt table",
    [0x2] = "the interrupt is blocked (entry not present)",
    [0x3] = "interrupt table out of reach",
    [0x4] = "reserved bit set in the interrupt entry",
    [0x5] = "compatibility-format interrupts are blocked",
    [0x6] = "the interrupt entry is another device's",
    [0x7] = "posted-interrupt descriptor out of reach",
    [0x8] = "reserved bit set in the posted-interrupt descriptor",
};

static const char *reason_name(uint8_t reason)
{
    const char *name = NULL;
    uint8_t interrupt = (uint8_t)(reason - VTD_FAULT_FIRST_INTERRUPT);
    if (reason < sizeof(translation_reason) / sizeof(translation_reason[0]))
        name = translation_reason[reason];
    else if (reason >= VTD_FAULT_FIRST_INTERRUPT &&
             interrupt < sizeof(interrupt_reason) / sizeof(interrupt_reason[0]))
        name = interrupt_reason[interrupt];
    return name ? name : "a reason the specification's legacy mode does not know";
}

/* Whether this second's lines are not used up; says once how many were not shown. */
static bool may_log(void)
{
    static uint64_t window_end;
    static uint32_t lines, hidden;
    if (window_end == 0 || deadline_passed(window_end)) {
        if (hidden)
            log_warn("vtd", "%u more faults were counted, not shown", hidden);
        lines = hidden = 0;
        window_end = deadline_us(WINDOW_US);
    }
    if (lines < LINES_A_WINDOW) {
        lines++;
        return true;
    }
    hidden++;
    return false;
}

static void say(const struct vtd_unit *u, uint64_t low, uint64_t high)
{
    uint16_t source = VTD_FAULT_SOURCE(high);
    uint8_t reason = VTD_FAULT_REASON(high);
    unsigned bus = source >> 8, dev = (source >> 3) & 0x1f, fn = source & 7;
    if (!may_log())
        return;
    if (reason >= VTD_FAULT_FIRST_INTERRUPT && reason < VTD_FAULT_FIRST_INTERRUPT + 0x10)
        log_warn("vtd", "unit %u: fault: %02x:%02x.%x interrupt index %u: %s (reason 0x%x)",
                 u->index, bus, dev, fn, VTD_FAULT_IRT_INDEX(low), reason_name(reason), reason);
    else
        log_warn("vtd", "unit %u: fault: %02x:%02x.%x %s at 0x%llx: %s (reason 0x%x)", u->index,
                 bus, dev, fn, high & VTD_FAULT_READ ? "read" : "write",
                 (unsigned long long)VTD_FAULT_ADDRESS(low), reason_name(reason), reason);
}

/* Calls for each record that holds a fault, oldest first, and frees it. Returns how many. */
static uint32_t drain(struct vtd_unit *u,
                      void (*each)(const struct vtd_unit *u, uint64_t low, uint64_t high))
{
    uint32_t fsts = vtd_read32(u, VTD_FSTS), found = 0, records = VTD_CAP_FAULTS(u->cap);
    if (fsts == UINT32_MAX || !(fsts & (VTD_FSTS_PPF | VTD_FSTS_PFO)))
        return 0;
    for (uint32_t i = 0; i < records; i++) {
        uint32_t record =
            VTD_CAP_FAULT_OFFSET(u->cap) + (VTD_FSTS_FRI(fsts) + i) % records * VTD_FAULT_BYTES;
        uint64_t low = mmio_read64(u->regs, record), high = mmio_read64(u->regs, record + 8);
        if (!(high & VTD_FAULT_VALID))
            continue;
        if (each)
            each(u, low, high);
        mmio_write32(u->regs, record + VTD_FAULT_CLEAR_OFFSET, VTD_FAULT_CLEAR);
        found++;
    }
    /* After the records: an overflow is signalled again only once both are clear. */
    if (fsts & VTD_FSTS_PFO)
        vtd_write32(u, VTD_FSTS, VTD_FSTS_PFO);
    return found;
}

void vtd_faults_clear(struct vtd_unit *u)
{
    drain(u, NULL);
    vtd_write32(u, VTD_FSTS, VTD_FSTS_CLEAR);
}

uint32_t vtd_poll_faults(void)
{
    uint32_t new = 0;
    for (uint32_t i = 0; i < vtd_units(); i++)
        new += drain(vtd_unit(i), say);
    seen += new;
    return new;
}

uint64_t vtd_faults(void)
{
    return seen;
}

const char *vtd_queue_error(uint32_t fsts)
{
    if (fsts == UINT32_MAX)
        return "the unit's registers read all ones";
    if (fsts & VTD_FSTS_IQE)
        return "the unit refuses the descriptor at the head";
    if (fsts & VTD_FSTS_ITE)
        return "a device's own translation cache did not answer in time";
    if (fsts & VTD_FSTS_ICE)
        return "a device's answer to an invalidation was bad";
    return "no error reported";
}

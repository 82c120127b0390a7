/* SPDX-License-Identifier: MIT */
/* Writes to memory that the unit's page walk reads. */
#include "kernel/mem.h"
#include "vtd/unit.h"

#define CACHE_LINE 64

static void flush_line(const volatile void *at)
{
    __asm__ volatile("clflush %0" ::"m"(*(const volatile char *)at) : "memory");
}

void vtd_entry_write(const struct vtd_unit *u, uint64_t *entry, uint64_t value)
{
    /* One whole store: the unit sees the old entry or the new one, never a mixture. */
    *(volatile uint64_t *)entry = value;
    if (!(u->ecap & VTD_ECAP_C))
        flush_line(entry);
}

hpa_t vtd_table_alloc(const struct vtd_unit *u)
{
    hpa_t frame = frame_alloc();
    if (frame.v == 0 || (u->ecap & VTD_ECAP_C))
        return frame;
    for (uint64_t at = 0; at < PAGE_SIZE; at += CACHE_LINE)
        flush_line((char *)phys_to_virt(frame) + at);
    return frame;
}

void vtd_table_give_back(hpa_t frame, bool quarantine)
{
    if (quarantine)
        frame_quarantine_run(frame, 1);
    else
        frame_free(frame);
}

/* SPDX-License-Identifier: MIT */
#include "kernel/shell_show.h"

#include <stdarg.h>
#include "kernel/cases.h"
#include "kernel/log.h"
#include "kernel/mem.h"
#include "kernel/result.h"
#include "kernel/time.h"
#include "lib/fmt.h"
#include "vtd/vtd.h"

#define LINE_BYTES 512
#define VALUES     160

void show(const char *format, ...)
{
    char line[LINE_BYTES];
    va_list args;
    size_t n;

    va_start(args, format);
    n = (size_t)fmt_vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    if (n > sizeof line - 2)
        n = sizeof line - 2;
    line[n] = '\n';
    log_write(line, n + 1);
}

/* "a,b,c". */
static const char *join(const struct options_list *list, char to[VALUES])
{
    size_t used = 0;

    to[0] = 0;
    for (uint32_t i = 0; i < list->count && used < VALUES; i++)
        used +=
            (size_t)fmt_snprintf(to + used, VALUES - used, "%s%s", i ? "," : "", list->value[i]);
    return to;
}

void show_settings(const struct options *o)
{
    char values[VALUES];

    if (o->bench[0])
        show("  bench=%s (its lines come before what follows)", o->bench);
    for (unsigned d = 0; d < DIMENSIONS; d++)
        show("  %s=%s", dimensions[d].key, join(&o->list[d], values));
    show("  rounds=%u mem=%luM wset=%lu deadline=%u limit=%u seed=%lu", o->rounds, o->memory >> 20,
         o->working_set, o->deadline_ms, o->limit_s, o->seed);
    show("  guest=%s", o->guest);
}

void show_trace(const struct options *o)
{
    if (o->trace)
        show("  the last %lu maps and unmaps of each guest are recorded%s", o->trace,
             o->trace_dump ? ", and printed" : "; trace dump prints the last guest's");
    else
        show("  nothing is recorded: trace on");
}

void show_options(void)
{
    struct cmdline_option known;

    for (unsigned i = 0; options_known(i, &known); i++)
        show("  %-16s%s", known.key, known.help);
}

static const char *const ends[] = {
    [VM_END_EXIT] = "the guest ended", [VM_END_CRASH] = "crash",
    [VM_END_DEADLINE] = "deadline",    [VM_END_REFUSED] = "refused",
    [VM_END_HARDWARE] = "hardware",
};

void show_status(const struct pci_function *nic, const struct cpu_ops *cpu)
{
    const char *what;
    const struct vm_outcome *last = cases_last(&what);

    show("  up %lu s; %s; %lu MiB of RAM free; NIC %02x:%02x.%x (%04x:%04x), %s",
         time_us() / 1000000, cpu->name, frames_free() >> 8, nic->bus, nic->dev, nic->fn,
         nic->vendor, nic->device, nic->cap_msi ? "with MSI" : "without MSI");
    show("  %u VT-d units, %lu DMA faults%s", vtd_units(), vtd_faults(),
         vtd_is_absent() ? ": the device reaches all memory" : "");
    if (!last)
        show("  no case has run");
    else
        show("  last case: %s: %s, status %lu, %u windows%s%s", what, ends[last->end], last->status,
             last->results, last->reason[0] ? ": " : "", last->reason);
}

static uint64_t percent_x100(uint64_t part, uint64_t whole)
{
    return whole ? part * 10000 / whole : 0;
}

static void show_window(const struct vm_result *r)
{
    const struct dma_counters *from = &r->dma_begin, *to = &r->dma_end;
    const struct dma_hw_stats *was = &r->hw_begin, *is = &r->hw_end;
    uint64_t hits = percent_x100(r->guest.maps - r->guest.misses, r->guest.maps);

    show("  %lu packets, %lu bytes in %lu us, busy %lu us", r->guest.packets, r->guest.bytes,
         tsc_to_us(r->tsc), tsc_to_us(r->guest.busy_tsc));
    show("  %lu pages mapped, %lu misses by the guest's count (%lu.%02lu %% hits), %lu touched",
         r->guest.maps, r->guest.misses, hits / 100, hits % 100, r->guest.pages_touched);
    show("  %lu exits, %lu hypercalls, %lu host interrupts", r->cpu.exits, r->cpu.hypercalls,
         r->cpu.exits_host);
    if (r->quota != DMA_NO_QUOTA)
        show("  quota %u pages", r->quota);
    show("  %lu evicted, at most %lu resident, floor %u", to->evictions - from->evictions,
         (uint64_t)to->resident_peak, r->floor);
    show("  invalidations: %lu page, %lu domain, %lu waits; %lu DMA faults",
         is->inv_page - was->inv_page, is->inv_domain - was->inv_domain,
         is->inv_wait - was->inv_wait, r->faults);
}

void show_stats(void)
{
    const char *what;
    const struct vm_outcome *last = cases_last(&what);

    if (!last || last->results == 0) {
        show("  nothing was measured yet: run WORKLOAD");
        return;
    }
    show("  %s", what);
    show_window(&last->result[last->results - 1]);
}

void show_faults(void)
{
    uint32_t fresh = vtd_poll_faults();

    show("  %lu DMA faults since boot, %u of them just now; each was told as it came", vtd_faults(),
         fresh);
}

static void show_function(const struct pci_function *f)
{
    int domain = vtd_domain_of(f);

    if (domain < 0)
        show("  %02x:%02x.%x %04x:%04x blocked", f->bus, f->dev, f->fn, f->vendor, f->device);
    else
        show("  %02x:%02x.%x %04x:%04x domain %d", f->bus, f->dev, f->fn, f->vendor, f->device,
             domain);
}

/* Guests live while their case runs, and their domains with them. */
void show_domains(void)
{
    for (uint32_t i = 0; i < vtd_units(); i++)
        show("  unit %u at 0x%lx: CAP 0x%lx, ECAP 0x%lx", i, vtd_unit_registers(i).v,
             vtd_unit_cap(i), vtd_unit_ecap(i));
    if (vtd_units() == 0)
        show("  no VT-d: devices reach all memory");
    for (uint32_t i = 0; i < pci_functions() && vtd_units() > 0; i++)
        show_function(pci_function(i));
}

void show_results(uint64_t from, uint64_t to)
{
    uint64_t first, last;

    result_range(&first, &last);
    if (from < first)
        from = first;
    if (to > last)
        to = last;
    for (uint64_t seq = from; seq <= to; seq++)
        result_again(seq);
    result_told();
}

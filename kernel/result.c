/* SPDX-License-Identifier: MIT */
#include "kernel/result.h"

#include <stdarg.h>
#include <string.h>
#include "kernel/archive.h"
#include "kernel/build.h"
#include "kernel/dma/evict.h"
#include "kernel/log.h"
#include "kernel/options.h"
#include "kernel/panic.h"
#include "kernel/time.h"
#include "kernel/x86.h"
#include "kernel/work.h"
#include "lib/fmt.h"
#include "vtd/vtd.h"

#define RECORD_BYTES 2048

struct record {
    char text[RECORD_BYTES];
    size_t used;
};

/* Records are numbered over the whole boot, so that a lost line shows. */
static uint64_t sequence;

__attribute__((format(printf, 2, 3))) static void add(struct record *r, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    r->used += (size_t)fmt_vsnprintf(r->text + r->used, RECORD_BYTES - r->used, format, args);
    va_end(args);
    ASSERT(r->used < RECORD_BYTES);
}

static void begin(struct record *r, const char *kind)
{
    r->used = 0;
    add(r, "{\"sluice\":\"%s\",\"seq\":%lu", kind, ++sequence);
}

static void publish(const struct record *r)
{
    archive_add(r->text);
    log_record(r->text);
}

static void add_number(struct record *r, const char *key, uint64_t value)
{
    add(r, ",\"%s\":%lu", key, value);
}

/* Text of ours or checked before: the guest's strings never come here unchecked, so no character
 * needs escaping. */
static void add_text(struct record *r, const char *key, const char *value)
{
    if (value == NULL)
        add(r, ",\"%s\":null", key);
    else
        add(r, ",\"%s\":\"%s\"", key, value);
}

void result_keep(void *memory, size_t bytes)
{
    archive_init(memory, bytes);
}

void result_range(uint64_t *first, uint64_t *last)
{
    archive_range(first, last);
}

void result_again(uint64_t seq)
{
    char text[RECORD_BYTES];

    if (archive_get(seq, text, sizeof text))
        log_record(text);
}

void result_told(void)
{
    uint64_t first, last;
    struct record r = {.used = 0};

    archive_range(&first, &last);
    add(&r, "{\"sluice\":\"kept\"");
    add_number(&r, "first", first);
    add_number(&r, "last", last);
    log_record(r.text);
}

/* Leaves 80000002h to 80000004h: 48 bytes of text (SDM volume 2A, CPUID; APM volume 3, E.4.3). */
static void cpu_brand(char to[SMBIOS_TEXT])
{
    char brand[48] = "";

    if (cpuid(0x80000000u, 0).eax >= 0x80000004u) {
        for (uint32_t i = 0; i < 3; i++) {
            struct cpuid c = cpuid(0x80000002u + i, 0);

            memcpy(brand + 16 * i, (uint32_t[]){c.eax, c.ebx, c.ecx, c.edx}, 16);
        }
    }
    smbios_text(to, brand, sizeof brand);
}

void result_boot(const struct result_machine *m)
{
    char brand[SMBIOS_TEXT];
    struct record r;

    cpu_brand(brand);
    begin(&r, "boot");
    add_text(&r, "commit", build_commit);
    add_text(&r, "machine", m->smbios->product);
    add_text(&r, "maker", m->smbios->maker);
    add_text(&r, "cpu", brand);
    add(&r, ",\"cpu_id\":\"%x\"", cpuid(1, 0).eax);
    add_text(&r, "firmware", m->firmware);
    add_text(&r, "firmware_vendor", m->smbios->vendor);
    add_text(&r, "firmware_version", m->smbios->version);
    add_number(&r, "seed", m->seed);
    add_number(&r, "cpus", m->cpus);
    add_number(&r, "memory_pages", m->memory_pages);
    add_number(&r, "tsc_hz", tsc_hz());
    add_number(&r, "units", vtd_units());
    if (vtd_units() > 0) {
        add(&r, ",\"cap\":\"%lx\"", vtd_unit_cap(0));
        add(&r, ",\"ecap\":\"%lx\"", vtd_unit_ecap(0));
    }
    publish(&r);
}

void result_plan(const struct plan *plan, uint32_t resume)
{
    struct record r;

    begin(&r, "plan");
    add_text(&r, "name", plan->name);
    add_number(&r, "cases", plan->cases);
    add_number(&r, "skipped", plan->skipped);
    add_number(&r, "resume", resume);
    publish(&r);
}

/* The workload's name, and the arguments behind it. */
static void add_work(struct record *r, const char *text)
{
    char name[DIMENSION_NAME];
    char *args;

    memcpy(name, text, strlen(text) + 1);
    args = work_split(name);
    add_text(r, dimensions[DIM_WORK].record, name);
    if (args)
        add_text(r, "args", args);
}

void result_case_begin(const struct result_case *c, const struct vm_params *params)
{
    struct record r;

    begin(&r, "case");
    add_number(&r, "case", c->number);
    add_number(&r, "of", c->of);
    add_number(&r, "round", c->round);
    add_number(&r, "line", c->line);
    add_work(&r, c->text[DIM_WORK]);
    for (unsigned d = DIM_WORK + 1; d < DIMENSIONS; d++)
        add_text(&r, dimensions[d].record, c->text[d]);
    add_number(&r, "memory_pages", params->memory >> PAGE_SHIFT);
    add_number(&r, "seed", params->seed);
    publish(&r);
}

static void add_config(struct record *r, const struct vm *vm, const char *workload)
{
    const struct dma_config *dma = &vm->params->dma;
    bool evicts = dma->strategy == DMA_ON_DEMAND;
    bool flushes = evicts || dma_strategy_has_window(dma->strategy);

    add_text(r, "workload", workload);
    add_text(r, "strategy", dma_strategy_name(dma->strategy));
    add_text(r, "policy", evicts ? dma->policy->name : "none");
    add_text(r, "flush", flushes ? dma_flush_name(dma->flush) : "none");
    if (vm->quota == DMA_NO_QUOTA)
        add_text(r, "quota", NULL);
    else
        add_number(r, "quota", vm->quota);
    add_text(r, "backend", vm->cpu->name);
    add_text(r, "irq", irq_name(vm->params->msi));
    add_text(r, "guest", guest_name(vm->params->native));
}

/* Of the strategies with a window; hits=exit of on-demand. */
static void add_calls(struct record *r, const struct vm *vm)
{
    const struct vm_params *p = vm->params;
    bool has_window = dma_strategy_has_window(p->dma.strategy);

    add_text(r, "calls", has_window ? dma_calls_name(p->calls) : "none");
    add_text(r, "iova", has_window ? p->iova->name : "identity");
    add_text(r, "hits_by", has_window || p->dma.hits == DMA_HITS_EXIT ? "exit" : "table");
}

/* Where every map exits, only the hypervisor knows which was a miss. */
static uint64_t misses(const struct vm *vm, const struct vm_result *result)
{
    uint64_t seen = result->dma_end.misses - result->dma_begin.misses;

    if (vm->params->dma.hits == DMA_HITS_EXIT && seen < result->guest.maps)
        return seen;
    return result->guest.misses;
}

static uint64_t inv_descriptors(const struct dma_hw_stats *s)
{
    return s->inv_page + s->inv_domain + s->inv_context;
}

/* Apart from our own keys: what the guest says can't pass for what the hypervisor counted. */
static void add_figures(struct record *r, const struct abi_window *guest)
{
    unsigned n = 0;

    for (unsigned i = 0; i < ABI_FIGURES; i++) {
        const struct abi_figure *f = &guest->figure[i];

        if (f->key[0])
            add(r, "%s\"%s\":%lu", n++ ? "," : ",\"figures\":{", f->key, f->value);
    }
    if (n > 0)
        add(r, "}");
}

void result_print(const struct vm *vm, const struct vm_result *result)
{
    const struct dma_counters *from = &result->dma_begin, *to = &result->dma_end;
    struct record r;

    begin(&r, "result");
    add_number(&r, "case", vm->params->number);
    add_config(&r, vm, result->guest.workload);
    add_number(&r, "packets", result->guest.packets);
    add_number(&r, "bytes", result->guest.bytes);
    add_number(&r, "maps", result->guest.maps);
    add_number(&r, "hits", result->guest.maps - misses(vm, result));
    add_number(&r, "misses", misses(vm, result));
    add_number(&r, "hypercalls", result->cpu.hypercalls);
    add_number(&r, "exits", result->cpu.exits);
    add_number(&r, "exits_host", result->cpu.exits_host);
    add_number(&r, "evictions", to->evictions - from->evictions);
    add_number(&r, "inv_descriptors",
               inv_descriptors(&result->hw_end) - inv_descriptors(&result->hw_begin));
    add_number(&r, "inv_waits", result->hw_end.inv_wait - result->hw_begin.inv_wait);
    add_number(&r, "resident_peak", to->resident_peak);
    add_number(&r, "pages_touched", result->guest.pages_touched);
    add_number(&r, "table_pages_peak", result->hw_end.table_pages_peak);
    add_number(&r, "faults", result->faults);
    add_number(&r, "tsc", result->tsc);
    add_number(&r, "busy_tsc", result->guest.busy_tsc);
    add_calls(&r, vm);
    add_figures(&r, &result->guest);
    publish(&r);
}

static void add_spread(struct record *r, const char *key, const struct abi_spread *s)
{
    if (s->times == 0)
        add_text(r, key, NULL);
    else
        add(r, ",\"%s\":{\"times\":%lu,\"min\":%lu,\"median\":%lu,\"p99\":%lu}", key, s->times,
            s->min, s->median, s->p99);
}

void result_calibrate(const struct vm *vm, const struct abi_calibration *guest,
                      const struct abi_spread *queue)
{
    struct record r;

    begin(&r, "calibrate");
    add_number(&r, "case", vm->params->number);
    add_config(&r, vm, "calibrate");
    add_calls(&r, vm);
    add_number(&r, "tsc_hz", tsc_hz());
    add_spread(&r, "clock", &guest->clock);
    add_spread(&r, "hypercall", &guest->hypercall);
    add_spread(&r, "nested_fault", &guest->nested_fault);
    add_spread(&r, "miss", &guest->miss);
    add_spread(&r, "miss_evict", &guest->miss_evict);
    add_spread(&r, "register_write", &guest->register_write);
    add_spread(&r, "interrupt", &guest->interrupt);
    add_spread(&r, "interrupt_exit", &guest->interrupt_exit);
    add_number(&r, "interrupts", vm->counters.interrupts);
    add_number(&r, "interrupt_exits", vm->counters.by_reason[CPU_EXIT_DEVICE_INTERRUPT]);
    add_spread(&r, "inv_wait", &queue[VTD_PRICE_WAIT]);
    add_spread(&r, "inv_page", &queue[VTD_PRICE_PAGE]);
    add_spread(&r, "inv_domain", &queue[VTD_PRICE_DOMAIN]);
    add_spread(&r, "inv_global", &queue[VTD_PRICE_GLOBAL]);
    publish(&r);
}

static const char *const end_names[] = {
    [VM_END_EXIT] = "exit",       [VM_END_CRASH] = "crash",       [VM_END_DEADLINE] = "deadline",
    [VM_END_REFUSED] = "refused", [VM_END_HARDWARE] = "hardware",
};

/* Of the last window, what the result record has no key for. */
static void add_details(struct record *r, const struct vm_result *last)
{
    add_number(r, "floor", last->floor);
    add_number(r, "resident", last->dma_end.resident);
    add_number(r, "leaving", last->dma_end.leaving);
    add_number(r, "dma_calls", last->dma_end.calls - last->dma_begin.calls);
    add_number(r, "unmaps", last->dma_end.unmaps - last->dma_begin.unmaps);
    add_number(r, "dma_waits", last->dma_end.waits - last->dma_begin.waits);
    add_number(r, "inv_page", last->hw_end.inv_page - last->hw_begin.inv_page);
    add_number(r, "inv_domain", last->hw_end.inv_domain - last->hw_begin.inv_domain);
    add_number(r, "inv_context", last->hw_end.inv_context - last->hw_begin.inv_context);
    add_number(r, "interrupts", last->cpu.interrupts);
    add(r, ",\"exits_by_reason\":{");
    for (unsigned i = 0, n = 0; i < CPU_EXIT_REASONS; i++)
        if (last->cpu.by_reason[i] > 0)
            add(r, "%s\"%s\":%lu", n++ ? "," : "", cpu_exit_name((enum cpu_exit_reason)i),
                last->cpu.by_reason[i]);
    add(r, "}");
}

void result_case_end(const struct result_case *c, const struct vm_outcome *outcome)
{
    struct record r;

    begin(&r, "case_end");
    add_number(&r, "case", c->number);
    add_number(&r, "round", c->round);
    add_text(&r, "workload", c->text[DIM_WORK]);
    add_text(&r, "end", end_names[outcome->end]);
    add_number(&r, "status", outcome->status);
    add_number(&r, "windows", outcome->results);
    add_number(&r, "faults_total", vtd_faults());
    if (outcome->results > 0)
        add_details(&r, &outcome->result[outcome->results - 1]);
    publish(&r);
}

static const char *const verdicts[] = {
    [EXIT_OK] = "held",
    [EXIT_REFUSED] = "refused",
    [EXIT_CASE_FAILED] = "case failed",
    [EXIT_PANIC] = "panic",
};

void result_exit(enum exit_code code)
{
    struct record r;

    begin(&r, "exit");
    add_number(&r, "code", code);
    add_text(&r, "verdict", verdicts[code]);
    publish(&r);
}

void result_trace(uint64_t part, uint64_t parts, const char *base64)
{
    struct record r;

    begin(&r, "trace");
    add_number(&r, "part", part);
    add_number(&r, "parts", parts);
    add_text(&r, "data", base64);
    publish(&r);
}

void result_end(uint32_t cases, uint32_t failed)
{
    struct record r;

    begin(&r, "end");
    add_number(&r, "cases", cases);
    add_number(&r, "failed", failed);
    publish(&r);
}

/* SPDX-License-Identifier: MIT */
#include "kernel/cases.h"

#include <string.h>

#include "kernel/log.h"
#include "kernel/result.h"
#include "kernel/vm.h"
#include "kernel/work.h"
#include "lib/fmt.h"
#include "vtd/vtd.h"

struct cases {
    const struct options *o;
    const struct boot_module *image;
    struct pci_function *nic;
    const struct cpu_ops *cpu;          /* of virtual machines */
    uint64_t working_set[OPTIONS_LIST]; /* pages, a workload; 0: not measured yet */
    uint32_t run, failed;
    bool stopped; /* the hardware failed: no further guest is given to it */
    enum exit_code worst;
    struct vm_outcome outcome; /* too large for a stack */
};

static void note_failure(struct cases *cs, enum exit_code code)
{
    cs->failed++;
    /* A refusal is about the settings and needs a person; keep it unless something worse came. */
    if (code > cs->worst)
        cs->worst = code;
}

static enum exit_code judge(const struct vm_outcome *outcome)
{
    switch (outcome->end) {
    case VM_END_EXIT:
        return outcome->status == 0 ? EXIT_OK : EXIT_CASE_FAILED;
    case VM_END_REFUSED:
        return EXIT_REFUSED;
    default:
        return EXIT_CASE_FAILED;
    }
}

/* W is what a window touched when nothing had to leave: later quotas of the form wN% stand on it.
 */
static void learn_working_set(struct cases *cs, uint32_t work, const struct vm_params *params)
{
    for (uint32_t i = 0; i < cs->outcome.results; i++) {
        const struct vm_result *r = &cs->outcome.result[i];
        uint64_t pages = params->memory >> PAGE_SHIFT;

        if (params->dma.strategy == DMA_ON_DEMAND &&
            r->dma_end.evictions == r->dma_begin.evictions && r->guest.pages_touched <= pages)
            cs->working_set[work] = r->guest.pages_touched;
    }
}

/* With `none` the device sees host-physical memory, untranslated, for exactly as long as its guest
 * lives. */
static int run_guest(struct cases *cs, const struct vm_params *params)
{
    bool off = params->dma.strategy == DMA_NONE && vtd_units() > 0;
    int error = off ? vtd_translate(false) : 0;

    if (!error)
        error = vm_run(params, params->native ? &native_ops : cs->cpu, &cs->outcome);
    /* Also after a failure: it may have come half-way through the units. */
    if (off && vtd_translate(true) != 0)
        panic("vtd: translation does not come back on after strategy=none");
    return error;
}

static void run_case(struct cases *cs, const struct result_case *c, uint32_t work,
                     struct vm_params *params)
{
    enum exit_code code;

    if (cs->stopped)
        return;
    /* Each guest its own numbers: the network remembers the ports of the one before. Equal boots
     * still run equally. */
    params->seed = cs->o->seed + cs->run++;
    result_case_begin(c, params);
    if (run_guest(cs, params) != 0) {
        log_error("cases", "%s: the guest could not be made", c->work);
        note_failure(cs, EXIT_CASE_FAILED);
        return;
    }
    learn_working_set(cs, work, params);
    result_case_end(c, &cs->outcome);
    code = judge(&cs->outcome);
    if (code != EXIT_OK) {
        log_error("cases", "%s: %s", c->work, cs->outcome.reason);
        note_failure(cs, code);
    }
    if (cs->outcome.end == VM_END_HARDWARE) {
        log_error("cases", "no further guest is run: restart the machine first");
        cs->stopped = true;
    }
}

static void run_guests(struct cases *cs, const struct result_case *c, uint32_t work,
                       struct vm_params *params)
{
    const bool identity = params->identity;

    for (uint32_t i = 0; i < cs->o->guests; i++) {
        params->native = cs->o->native[i];
        params->identity = identity || params->native;
        run_case(cs, c, work, params);
    }
    params->identity = identity;
}

static void run_irqs(struct cases *cs, const struct result_case *c, uint32_t work,
                     struct vm_params *params)
{
    for (uint32_t i = 0; i < cs->o->irqs; i++) {
        params->msi = cs->o->msi[i];
        run_guests(cs, c, work, params);
    }
}

static void run_quotas(struct cases *cs, struct result_case *c, uint32_t work,
                       struct vm_params *params)
{
    if (params->dma.strategy != DMA_ON_DEMAND) {
        params->quota = (struct quota_spec){.kind = QUOTA_NONE};
        c->quota_text = NULL;
        run_irqs(cs, c, work, params);
        return;
    }
    for (uint32_t q = 0; q < cs->o->quotas; q++) {
        params->quota = cs->o->quota[q];
        params->working_set = cs->o->working_set ? cs->o->working_set : cs->working_set[work];
        c->quota_text = cs->o->quota_text[q];
        run_irqs(cs, c, work, params);
    }
}

static void run_work(struct cases *cs, uint32_t round, uint32_t work)
{
    const struct options *o = cs->o;
    char name[OPTIONS_NAME], args[ABI_ARGS_BYTES];
    struct result_case c = {.round = round, .work = name};

    memcpy(name, o->work[work], sizeof name);
    c.args = work_split(name);
    /* Its own come first: of two equal keys that one counts. */
    fmt_snprintf(args, sizeof args, "work=%s%s%s%s%s", name, c.args ? "," : "",
                 c.args ? c.args : "", o->guest[0] ? "," : "", o->guest);
    for (uint32_t s = 0; s < o->strategies; s++) {
        struct vm_params params = {
            .image = cs->image,
            .args = args,
            .memory = o->memory,
            .identity =
                o->strategy[s] == DMA_NONE || o->strategy[s] == DMA_PASSTHROUGH || vtd_is_absent(),
            .nic = cs->nic,
            .dma = {.strategy = o->strategy[s],
                    .policy = o->policy,
                    .flush = o->flush,
                    .quota = DMA_NO_QUOTA,
                    .evict_batch = o->evict_batch},
            .iova = o->iova,
            .calls = o->calls,
            .deadline_ms = o->deadline_ms,
            .trace = o->trace,
            .trace_dump = o->trace_dump,
        };

        if (o->strategy[s] == DMA_ON_DEMAND) {
            params.dma.prefetch = o->prefetch;
            params.dma.hits = o->hits;
        }
        run_quotas(cs, &c, work, &params);
    }
}

enum exit_code cases_run(const struct options *o, const struct boot_module *image,
                         struct pci_function *nic, const struct cpu_ops *cpu)
{
    static struct cases cs;

    cs = (struct cases){.o = o, .image = image, .nic = nic, .cpu = cpu, .worst = EXIT_OK};
    for (uint32_t round = 1; round <= o->rounds; round++)
        for (uint32_t work = 0; work < o->works; work++)
            run_work(&cs, round, work);
    result_end(cs.run, cs.failed);
    return cs.worst;
}

/* SPDX-License-Identifier: MIT */
#include "kernel/cases.h"

#include <errno.h>
#include <string.h>
#include "kernel/log.h"
#include "kernel/mem.h"
#include "kernel/options_names.h"
#include "kernel/plan.h"
#include "kernel/progress.h"
#include "kernel/result.h"
#include "kernel/work.h"
#include "lib/fmt.h"
#include "vtd/vtd.h"

#define CONTROL_C 3
#define WORKS     32 /* whose working set is kept */
#define WHAT_TEXT 128

/* What a workload touched when nothing had to leave. */
struct working_set {
    char work[OPTIONS_NAME];
    uint64_t pages; /* 0: a free place */
};

struct cases {
    const struct options *o; /* of the command line or the shell */
    const struct boot_module *image;
    struct pci_function *nic;
    const struct cpu_ops *cpu; /* of virtual machines; NULL: there are none */
    uint32_t run, failed;
    enum exit_code worst;
};

static struct plan plan;
static struct plan_walk walk, before; /* too large for a stack */
static struct vm_outcome outcome;
static char what[WHAT_TEXT];
static struct working_set known[WORKS]; /* also for later runs from the shell */
static uint32_t next_known;
static const struct boot_module *plan_module;
static bool stopped; /* the hardware failed: no further guest is given to it */

void cases_set_plan(const struct boot_module *module)
{
    plan_module = module;
}

const struct vm_outcome *cases_last(const char **in_words)
{
    *in_words = what;
    return what[0] ? &outcome : NULL;
}

static void note_failure(struct cases *cs, enum exit_code code)
{
    cs->failed++;
    /* A refusal is about the settings and needs a person; keep it unless something worse came. */
    if (code > cs->worst)
        cs->worst = code;
}

static enum exit_code judge(void)
{
    switch (outcome.end) {
    case VM_END_EXIT:
        return outcome.status == 0 ? EXIT_OK : EXIT_CASE_FAILED;
    case VM_END_REFUSED:
        return EXIT_REFUSED;
    default:
        return EXIT_CASE_FAILED;
    }
}

static uint64_t known_working_set(const char *work)
{
    for (uint32_t i = 0; i < WORKS; i++)
        if (known[i].pages && strcmp(known[i].work, work) == 0)
            return known[i].pages;
    return 0;
}

static void keep_working_set(const char *work, uint64_t pages)
{
    uint32_t i = 0;

    while (i < WORKS && (!known[i].pages || strcmp(known[i].work, work) != 0))
        i++;
    if (i == WORKS)
        i = next_known++ % WORKS;
    memcpy(known[i].work, work, sizeof known[i].work);
    known[i].pages = pages;
}

/* W is what a window touched when nothing had to leave: later quotas of the form wN% stand on it.
 */
static void learn_working_set(const struct setting *s, const struct vm_params *params)
{
    for (uint32_t i = 0; i < outcome.results; i++) {
        const struct vm_result *r = &outcome.result[i];
        uint64_t pages = params->memory >> PAGE_SHIFT;

        if (s->dma.strategy == DMA_ON_DEMAND && r->dma_end.evictions == r->dma_begin.evictions &&
            r->guest.pages_touched <= pages)
            keep_working_set(s->work, r->guest.pages_touched);
    }
}

/* With `none` the device sees host-physical memory, untranslated, for exactly as long as its guest
 * lives. */
static int run_guest(struct cases *cs, const struct vm_params *params)
{
    bool off = params->dma.strategy == DMA_NONE && vtd_units() > 0;
    int error = off ? vtd_translate(false) : 0;

    if (!error)
        error = vm_run(params, params->native ? &native_ops : cs->cpu, &outcome);
    /* Also after a failure: it may have come half-way through the units. */
    if (off && vtd_translate(true) != 0)
        panic("vtd: translation does not come back on after strategy=none");
    return error;
}

/* "echo on-demand w50% msi": workload and strategy, and whatever its line has several of. */
static void describe(const struct plan_walk *w)
{
    size_t used = 0;

    what[0] = 0;
    for (unsigned d = 0; d < DIMENSIONS && used < sizeof what; d++)
        if ((d <= DIM_STRATEGY || w->options.list[d].count > 1) && w->cross.text[d])
            used += (size_t)fmt_snprintf(what + used, sizeof what - used, "%s%s", used ? " " : "",
                                         w->cross.text[d]);
}

static struct vm_params params_of(const struct cases *cs, const struct plan_walk *w,
                                  const char *args)
{
    const struct options *o = &w->options;
    const struct setting *s = plan_setting(w);

    return (struct vm_params){
        .image = cs->image,
        .args = args,
        .memory = o->memory,
        .identity = s->native || s->dma.strategy == DMA_NONE ||
                    s->dma.strategy == DMA_PASSTHROUGH || vtd_is_absent(),
        .native = s->native,
        .nic = cs->nic,
        .msi = s->msi,
        .dma = s->dma,
        .iova = s->iova,
        .calls = s->calls,
        .quota = s->quota,
        .working_set = o->working_set ? o->working_set : known_working_set(s->work),
        .deadline_ms = o->deadline_ms,
        .limit_s = o->limit_s,
        .trace = o->trace,
        .trace_dump = o->trace_dump,
        .seed = o->seed,
        .number = w->number,
    };
}

static void run_case(struct cases *cs, const struct plan_walk *w)
{
    const struct setting *s = plan_setting(w);
    struct result_case c = {w->number, plan.cases, w->round, plan_line_number(w), w->cross.text};
    char name[DIMENSION_NAME], args[ABI_ARGS_BYTES];
    struct vm_params params = params_of(cs, w, args);
    const char *own;
    enum exit_code code;

    memcpy(name, s->work, sizeof name);
    own = work_split(name);
    params.calibrates = strcmp(name, "calibrate") == 0;
    /* Its own come first: of two equal keys that one counts. */
    fmt_snprintf(args, sizeof args, "work=%s%s%s%s%s", name, own ? "," : "", own ? own : "",
                 w->options.guest[0] ? "," : "", w->options.guest);
    describe(w);
    progress_case(w->number, what);
    cs->run++;
    result_case_begin(&c, &params);
    if (run_guest(cs, &params) != 0) {
        log_error("cases", "case %u of %u (%s): the guest could not be made", w->number, plan.cases,
                  what);
        note_failure(cs, EXIT_CASE_FAILED);
        return;
    }
    learn_working_set(s, &params);
    result_case_end(&c, &outcome);
    progress_case_done();
    code = judge();
    if (code != EXIT_OK) {
        log_error("cases", "case %u of %u (%s): %s", w->number, plan.cases, what, outcome.reason);
        note_failure(cs, code);
    }
    if (outcome.end == VM_END_HARDWARE) {
        log_error("cases",
                  "no further guest is run: restart the machine first; resume=%u goes on from here",
                  w->number + 1);
        stopped = true;
    }
}

static bool wants_working_set(const struct plan_walk *w)
{
    const struct setting *s = plan_setting(w);

    return s->quota.kind == QUOTA_WORKING_SET && w->options.working_set == 0 &&
           known_working_set(s->work) == 0;
}

/* The first case of this workload that could measure its working set, among those that resume= left
 * out; they come in the same order as the cases that were not. */
static void measure_first(struct cases *cs)
{
    const struct setting *s = plan_setting(&before);

    for (plan_begin(&before, &plan); plan_next(&before) && before.number < cs->o->resume;) {
        if (strcmp(s->work, plan_setting(&walk)->work) != 0 || s->dma.strategy != DMA_ON_DEMAND ||
            s->quota.kind == QUOTA_WORKING_SET)
            continue;
        log_info("cases", "case %u runs first: it measures the working set of %s", before.number,
                 s->work);
        run_case(cs, &before);
        return;
    }
}

/* The name of the module: the last part of its path, up to a blank. */
static bool is_named(const struct boot_module *module, const char *name)
{
    size_t length = strlen(name);

    for (const char *at = module->name; at; at = strchr(at, '/')) {
        at += *at == '/';
        if (strncmp(at, name, length) == 0 && (at[length] == 0 || at[length] == ' '))
            return true;
    }
    return false;
}

static int read_plan(const struct options *o)
{
    static char error[PLAN_ERROR_TEXT];
    const char *text;
    size_t bytes;
    int bad;

    if (o->bench[0] == 0) {
        bad = plan_of_options(&plan, o, error);
    } else if (plan_find_own(o->bench, &text, &bytes)) {
        bad = plan_read(&plan, o->bench, text, bytes, o, error);
    } else if (plan_module && is_named(plan_module, o->bench)) {
        bad = plan_read(&plan, o->bench, phys_to_virt(plan_module->base), plan_module->bytes, o,
                        error);
    } else {
        log_error(
            "cases",
            "bench=%s: no plan of that name: there are %s, and the second boot module, by its "
            "file's name (QEMU: -initrd guest.elf,%s; GRUB: module2 /%s %s)%s%s",
            o->bench, plan_own_names, o->bench, o->bench, o->bench,
            plan_module ? "; that module is called " : "", plan_module ? plan_module->name : "");
        return -1;
    }
    if (bad == 0 && o->resume > plan.cases) {
        fmt_snprintf(error, sizeof error, "resume=%u: there are %u cases", o->resume, plan.cases);
        bad = -1;
    }
    if (bad != 0)
        log_error("cases", "%s", error);
    return bad;
}

/* ^C between two cases, where somebody may type. */
static bool is_cancelled(const struct options *o)
{
    bool cancelled = false;
    int byte;

    while (o->shell && (byte = log_get()) != -EAGAIN)
        cancelled |= byte == CONTROL_C;
    return cancelled;
}

static void run_all(struct cases *cs)
{
    const struct options *o = cs->o;

    for (plan_begin(&walk, &plan); plan_next(&walk) && !stopped;) {
        if (walk.number < o->resume)
            continue;
        if (is_cancelled(o)) {
            log_warn("cases", "stopped by ^C: resume=%u goes on from here", walk.number);
            return;
        }
        if (wants_working_set(&walk))
            measure_first(cs);
        if (!stopped)
            run_case(cs, &walk);
    }
}

enum exit_code cases_run(const struct options *o, const struct boot_module *image,
                         struct pci_function *nic, const struct cpu_ops *cpu)
{
    struct cases cs = {.o = o, .image = image, .nic = nic, .cpu = cpu, .worst = EXIT_OK};

    if (stopped) {
        log_error("cases", "the hardware has failed, see above: restart the machine first");
        return EXIT_CASE_FAILED;
    }
    if (read_plan(o) != 0)
        return EXIT_REFUSED;
    result_plan(&plan, o->resume);
    progress_begin(plan.cases, plan.cases - o->resume + 1, o->no_progress || plan.cases == 1);
    run_all(&cs);
    progress_end();
    result_end(cs.run, cs.failed);
    return cs.worst;
}

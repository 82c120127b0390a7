/* SPDX-License-Identifier: MIT */
/* mapsim: which pages stay mapped? Replays traces of DMA maps through the engine, over every
 * combination of policies, quotas, batches and prefetch depths. docs/policies.md has examples. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tools/mapsim/jobs.h"
#include "tools/mapsim/offline.h"

static const char usage[] =
    "usage: mapsim --policy P[,P...] --quota N[,N...] [--prefetch D[,D...]] [--evict K[,K...]]\n"
    "              [--batch 1|16|64|natural[,...]] [--warmup 0.2] [--csv|--json] [--jobs J]\n"
    "              TRACE[.zst]...\n"
    "       mapsim --export binary|oracleGeneral|csv --output FILE TRACE[.zst]\n"
    "       mapsim --info TRACE[.zst]...\n"
    "A quota is a number of pages, or N%: of the way from floor + 17 to the working set.\n"
    "Policies: fifo lru clock sieve s3fifo arc csra adaptive opt opt-batch.\n";

static const char *const known_policies =
    "fifo lru clock sieve s3fifo arc csra adaptive opt opt-batch";

struct list {
    char *item[64];
    uint32_t items;
};

/* Cuts text where it lies. */
static struct list split(const char *option, char *text)
{
    struct list l = {.items = 0};

    for (char *at = strtok(text, ","); at; at = strtok(NULL, ",")) {
        if (l.items == sizeof l.item / sizeof *l.item)
            die("--%s: more than 64 values", option);
        l.item[l.items++] = at;
    }
    if (l.items == 0)
        die("--%s: no value", option);
    return l;
}

static uint32_t number(const char *option, const char *text, uint32_t low, uint32_t high)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);

    if (*text < '0' || *text > '9' || *end || value < low || value > high)
        die("--%s %s: not a number from %u to %u", option, text, low, high);
    return (uint32_t)value;
}

static const struct evict_policy *policy(const char *name)
{
    const struct evict_policy *found = evict_find(name);

    if (strcmp(name, offline_opt.name) == 0)
        found = &offline_opt;
    if (strcmp(name, offline_opt_batch.name) == 0)
        found = &offline_opt_batch;
    if (!found)
        die("unknown policy %s; known: %s", name, known_policies);
    return found;
}

static uint32_t batch(const char *text)
{
    if (strcmp(text, "natural") == 0)
        return BATCH_NATURAL;
    if (strcmp(text, "1") != 0 && strcmp(text, "16") != 0 && strcmp(text, "64") != 0)
        die("--batch %s: known: 1 16 64 natural", text);
    return number("batch", text, 1, 64);
}

/* "254", or "25%" of the way from floor + 17 to the working set. */
static uint32_t quota(const struct trace *t, const char *text)
{
    char digits[16] = "";
    size_t length = strlen(text);
    uint32_t pages, from = t->floor + 17;

    if (text[length - 1] != '%') {
        pages = number("quota", text, 1, (1u << 26) - 2);
    } else {
        if (length > sizeof digits)
            die("--quota %s: not a percentage", text);
        memcpy(digits, text, length - 1);
        int64_t way = (int64_t)t->working_set - from;

        pages = (uint32_t)(from + way * number("quota", digits, 0, 1000) / 100);
    }
    if (pages < t->floor)
        die("%s: a quota of %u pages is below the floor: %u pages are in use at once; give at "
            "least %u",
            t->name, pages, t->floor, t->floor);
    return pages;
}

struct arguments {
    struct list policies, quotas, prefetches, evicts, batches;
    double warmup;
    bool json, info;
    uint32_t jobs;
    const char *export_as, *output;
};

static double share(const char *text)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end || !(value >= 0 && value < 1))
        die("--warmup %s: not a share from 0 to below 1", text);
    return value;
}

static struct arguments parse(int argc, char **argv)
{
    static const struct option options[] = {{"policy", 1, 0, 'p'},   {"quota", 1, 0, 'q'},
                                            {"prefetch", 1, 0, 'd'}, {"evict", 1, 0, 'e'},
                                            {"batch", 1, 0, 'b'},    {"warmup", 1, 0, 'w'},
                                            {"csv", 0, 0, 'c'},      {"json", 0, 0, 'j'},
                                            {"jobs", 1, 0, 'n'},     {"export", 1, 0, 'x'},
                                            {"output", 1, 0, 'o'},   {"info", 0, 0, 'i'},
                                            {"help", 0, 0, 'h'},     {0}};
    struct arguments a = {.warmup = 0.2, .jobs = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN)};

    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) >= 0;)
        switch (option) {
        case 'p':
            a.policies = split("policy", optarg);
            break;
        case 'q':
            a.quotas = split("quota", optarg);
            break;
        case 'd':
            a.prefetches = split("prefetch", optarg);
            break;
        case 'e':
            a.evicts = split("evict", optarg);
            break;
        case 'b':
            a.batches = split("batch", optarg);
            break;
        case 'w':
            a.warmup = share(optarg);
            break;
        case 'c':
            a.json = false;
            break;
        case 'j':
            a.json = true;
            break;
        case 'n':
            a.jobs = number("jobs", optarg, 1, 256);
            break;
        case 'x':
            a.export_as = optarg;
            break;
        case 'o':
            a.output = optarg;
            break;
        case 'i':
            a.info = true;
            break;
        case 'h':
            fputs(usage, stdout);
            exit(0);
        default:
            fputs(usage, stderr);
            exit(2);
        }
    return a;
}

static void export(const struct arguments *a, const char *name)
{
    struct trace t = trace_read(name);
    FILE *to = a->output ? fopen(a->output, "wb") : NULL;
    bool written;

    if (!to)
        die("--export: %s", a->output ? "the output cannot be opened" : "give --output FILE");
    if (strcmp(a->export_as, "binary") == 0)
        written = trace_write_binary(&t, to);
    else if (strcmp(a->export_as, "oracleGeneral") == 0)
        written = trace_write_oracle(&t, to);
    else if (strcmp(a->export_as, "csv") == 0)
        written = trace_write_csv(&t, to);
    else
        die("--export %s: known: binary oracleGeneral csv", a->export_as);
    if (fclose(to) != 0 || !written)
        die("%s: it could not be written", a->output);
}

static void info(const char *name)
{
    struct trace t = trace_read(name);

    printf("%s: %zu events, %llu maps, floor %u, working set %u pages\n", name, t.events,
           (unsigned long long)t.maps, t.floor, t.working_set);
}

/* One job for each combination, for one trace. */
static void add_jobs(struct jobs *jobs, const struct arguments *a, const struct trace *t)
{
    for (uint32_t p = 0; p < a->policies.items; p++)
        for (uint32_t d = 0; d < a->prefetches.items; d++)
            for (uint32_t q = 0; q < a->quotas.items; q++)
                for (uint32_t b = 0; b < a->batches.items; b++)
                    for (uint32_t e = 0; e < a->evicts.items; e++) {
                        const struct evict_policy *its = policy(a->policies.item[p]);
                        const char *evict = a->evicts.item[e];
                        struct replay_config c = {
                            .trace = t,
                            .policy = its,
                            .prefetch =
                                number("prefetch", a->prefetches.item[d], 0, FOLLOWER_DEPTH),
                            .quota = quota(t, a->quotas.item[q]),
                            .batch = batch(a->batches.item[b]),
                            .evict = *evict ? number("evict", evict, 1, 4096) : its->evict_batch,
                            .warmup = a->warmup,
                        };

                        jobs_add(jobs, &c);
                    }
}

int main(int argc, char **argv)
{
    struct arguments a = parse(argc, argv);
    static char zero[] = "0", one[] = "1", own[] = "";
    struct jobs jobs = {.json = a.json, .at_once = a.jobs};

    if (optind == argc)
        die("no trace given; --help shows how to call it");
    if (a.export_as || a.info) {
        for (int i = optind; i < argc; i++)
            a.info ? info(argv[i]) : export(&a, argv[i]);
        return 0;
    }
    if (!a.policies.items || !a.quotas.items)
        die("--policy and --quota are needed; --help shows how to call it");
    if (!a.prefetches.items)
        a.prefetches = (struct list){.item = {zero}, .items = 1};
    if (!a.batches.items)
        a.batches = (struct list){.item = {one}, .items = 1};
    if (!a.evicts.items)
        a.evicts = (struct list){.item = {own}, .items = 1};
    for (uint32_t p = 0; p < a.policies.items; p++)
        policy(a.policies.item[p]);

    struct trace *traces = must_alloc((size_t)(argc - optind) * sizeof *traces);

    for (int i = optind; i < argc; i++) {
        traces[i - optind] = trace_read(argv[i]);
        add_jobs(&jobs, &a, &traces[i - optind]);
    }
    return jobs_run(&jobs);
}

/* SPDX-License-Identifier: MIT */
#include "tools/mapsim/jobs.h"
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROGRESS_SECONDS 2
#define HEADER                                                                       \
    "trace,policy,prefetch,quota,batch,evict,maps,hits,hypercalls,mapped,evictions," \
    "inv_descriptors,inv_waits,resident_peak"

void jobs_add(struct jobs *jobs, const struct replay_config *config)
{
    jobs->job = realloc(jobs->job, (jobs->count + 1) * sizeof *jobs->job);
    if (!jobs->job)
        die("no memory for %u replays", jobs->count + 1);
    jobs->job[jobs->count++] = (struct job){.config = *config};
}

/* The child's answer fits into a pipe, so that it never waits for us. */
static void start(struct job *j)
{
    int pipes[2];

    fflush(stdout);
    if (pipe(pipes) != 0)
        die("no pipe for a replay");
    j->from = pipes[0];
    j->pid = fork();
    if (j->pid < 0)
        die("no process for a replay");
    if (j->pid > 0) {
        close(pipes[1]);
        return;
    }
    struct replay_result result = replay_run(&j->config);

    _exit(write(pipes[1], &result, sizeof result) == sizeof result ? 0 : 2);
}

static const char *batch_text(uint32_t batch, char text[16])
{
    if (batch == BATCH_NATURAL)
        return "natural";
    snprintf(text, 16, "%u", batch);
    return text;
}

static void print_csv(const struct job *j)
{
    const struct replay_config *c = &j->config;
    const struct replay_result *r = &j->result;
    char text[16];

    printf("%s,%s,%u,%u,%s,%u,%llu,%llu,%llu,%llu,%llu,%llu,%llu,%u\n", c->trace->name,
           c->policy->name, c->prefetch, c->quota, batch_text(c->batch, text), c->evict,
           (unsigned long long)r->maps, (unsigned long long)r->hits,
           (unsigned long long)r->hypercalls, (unsigned long long)r->mapped,
           (unsigned long long)r->evictions, (unsigned long long)r->inv_descriptors,
           (unsigned long long)r->inv_waits, r->resident_peak);
}

static void print_string(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            putchar('\\');
        putchar(*text);
    }
    putchar('"');
}

static void print_json(const struct job *j, bool first)
{
    const struct replay_config *c = &j->config;
    const struct replay_result *r = &j->result;
    char text[16];

    fputs(first ? " {\"trace\":" : ",\n {\"trace\":", stdout);
    print_string(c->trace->name);
    printf(",\"policy\":\"%s\",\"prefetch\":%u,\"quota\":%u,\"batch\":\"%s\",\"evict\":%u,",
           c->policy->name, c->prefetch, c->quota, batch_text(c->batch, text), c->evict);
    printf("\"maps\":%llu,\"hits\":%llu,\"hypercalls\":%llu,\"mapped\":%llu,\"evictions\":%llu,",
           (unsigned long long)r->maps, (unsigned long long)r->hits,
           (unsigned long long)r->hypercalls, (unsigned long long)r->mapped,
           (unsigned long long)r->evictions);
    printf("\"inv_descriptors\":%llu,\"inv_waits\":%llu,\"resident_peak\":%u,\"floor\":%u,"
           "\"working_set\":%u,\"seconds\":%.4f}",
           (unsigned long long)r->inv_descriptors, (unsigned long long)r->inv_waits,
           r->resident_peak, c->trace->floor, c->trace->working_set, r->seconds);
}

/* All that are done, up to the first that is not. */
static void print(struct jobs *jobs)
{
    for (; jobs->printed < jobs->count && jobs->job[jobs->printed].done; jobs->printed++) {
        if (jobs->json)
            print_json(&jobs->job[jobs->printed], jobs->printed == 0);
        else
            print_csv(&jobs->job[jobs->printed]);
    }
    fflush(stdout);
}

static struct job *find(struct jobs *jobs, int pid)
{
    for (uint32_t i = 0; i < jobs->count; i++)
        if (jobs->job[i].pid == pid)
            return &jobs->job[i];
    return NULL;
}

/* Waits for one; what it said on stderr tells why, should it have failed. */
static bool finish_one(struct jobs *jobs)
{
    int status;
    struct job *j = find(jobs, wait(&status));

    if (!j)
        return false;
    j->done = status == 0 && read(j->from, &j->result, sizeof j->result) == sizeof j->result;
    close(j->from);
    j->pid = 0;
    if (!j->done && WIFSIGNALED(status))
        fprintf(stderr, "mapsim: a replay of %s by %s ended by signal %d\n", j->config.trace->name,
                j->config.policy->name, WTERMSIG(status));
    return j->done;
}

/* On a terminal one line that changes; elsewhere a line every few seconds. */
static void progress(const struct jobs *jobs, uint32_t finished)
{
    static time_t last;
    bool terminal = isatty(STDERR_FILENO), end = finished == jobs->count;
    time_t now = time(NULL);

    if (!last)
        last = now;
    if (!terminal && now - last < PROGRESS_SECONDS)
        return;
    last = now;
    fprintf(stderr, "%smapsim: %u of %u%s", terminal ? "\r" : "", finished, jobs->count,
            terminal && !end ? "" : "\n");
}

int jobs_run(struct jobs *jobs)
{
    uint32_t started = 0, finished = 0;
    bool failed = false;

    puts(jobs->json ? "[" : HEADER);
    while (finished < jobs->count && !failed) {
        while (started < jobs->count && started - finished < jobs->at_once)
            start(&jobs->job[started++]);
        failed = !finish_one(jobs);
        finished++;
        progress(jobs, finished);
        print(jobs);
    }
    while (finished < started && finish_one(jobs))
        finished++;
    if (jobs->json)
        puts("\n]");
    return failed ? 2 : 0;
}

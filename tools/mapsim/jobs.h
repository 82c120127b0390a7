/* SPDX-License-Identifier: MIT */
/* Replays at once, each in a process of its own, printed in the order they were added. */
#ifndef TOOLS_MAPSIM_JOBS_H
#define TOOLS_MAPSIM_JOBS_H

#include <stdbool.h>
#include "tools/mapsim/replay.h"

struct job {
    struct replay_config config;
    struct replay_result result;
    int pid, from;
    bool done;
};

struct jobs {
    struct job *job;
    uint32_t count, printed;
    uint32_t at_once;
    bool json;
};

void jobs_add(struct jobs *jobs, const struct replay_config *config);
/* The program's exit status. Tells on stderr how far it is. */
int jobs_run(struct jobs *jobs);

#endif

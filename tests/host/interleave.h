/* SPDX-License-Identifier: MIT */
/*
 * Every order of the steps of a few threads, and of events that come from outside, without real
 * threads: each runs on a stack of its own until its next step, and all that it can change is saved
 * before and put back for the next order. States that were seen are not gone through again, and so
 * the orders counted are more than anybody could run one by one.
 *
 * It holds for threads whose steps are all that another one can see of them, that end, and whose
 * memory is all declared.
 */
#ifndef TESTS_HOST_INTERLEAVE_H
#define TESTS_HOST_INTERLEAVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INTERLEAVE_THREADS 4u
#define INTERLEAVE_MEMORY  12u

struct interleave {
    uint32_t threads;
    void (*run)(uint32_t thread);    /* from its start to its end */
    void (*resume)(uint32_t thread); /* before each of its steps; may be NULL */
    uint32_t (*events)(void);        /* what can happen now, a bit each */
    void (*happen)(uint32_t event);  /* the one with this number */
    const char *const *event_names;
    const char *(*wrong)(void);        /* after every step, and once at the end: NULL if nothing */
    const char *(*wrong_at_end)(void); /* all threads have ended */
    struct {
        void *at;
        size_t bytes;
    } memory[INTERLEAVE_MEMORY]; /* everything the threads and events write, but for stacks */
};

struct interleave_result {
    double orders; /* different ones, from start to end */
    uint64_t states;
    const char *wrong; /* what came of one of them, or NULL: all of them held */
};

struct interleave_result interleave_all(const struct interleave *world);

/* The steps that led to the wrong, on standard error. */
void interleave_print(void);

/* Called by a thread before each step: others may be first. what and which name the step. Outside
 * of threads it does nothing. */
void interleave_step(const char *what, uint32_t which);
/* A step that has to wait until it is ready. */
void interleave_wait(bool (*ready)(uint64_t argument), uint64_t argument, const char *what);

#endif

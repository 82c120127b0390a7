/* SPDX-License-Identifier: MIT */
#include "tests/host/interleave.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kernel/addr.h"

#define STACK_BYTES 16384u
#define LANES       4u
#define DEPTH       400u /* steps of one order: no thread takes nearly as many */

/* Saves what a called function has to keep on the stack in hand, and goes on with the other one. */
void interleave_switch(void **from, void *to);
__asm__(".text\n"
        "interleave_switch:\n"
        "push %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15\n"
        "mov %rsp, (%rdi)\n"
        "mov %rsi, %rsp\n"
        "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp\n"
        "ret\n");

struct position {
    uint64_t ended;
    const char *what;
    uint64_t which;
    bool (*ready)(uint64_t argument); /* NULL: always */
    uint64_t argument;
};

struct thread {
    void *sp;
    struct position position;
};

static const struct interleave *world;
static struct thread threads[INTERLEAVE_THREADS];
static uint8_t stacks[INTERLEAVE_THREADS][STACK_BYTES] __attribute__((aligned(16)));
static void *explorer;
static uint32_t running = INTERLEAVE_THREADS;
static const char *wrong;

/* The way to the state in hand, for people. */
static struct {
    uint32_t thread; /* INTERLEAVE_THREADS: an event */
    const char *what;
    uint64_t which;
} trail[DEPTH];
static uint32_t trail_length;

/* ---- the states seen: a hash, and the orders that lead on from there ---- */

static struct seen {
    uint64_t key;
    double orders;
} * table;
static size_t table_room, table_count;

static struct seen *slot_of(uint64_t key)
{
    size_t i = key & (table_room - 1);

    while (table[i].key && table[i].key != key)
        i = (i + 1) & (table_room - 1);
    return &table[i];
}

static void table_grow(void)
{
    struct seen *old = table;
    size_t room = table_room;

    table_room = room ? room * 2 : 1 << 12;
    table = calloc(table_room, sizeof *table);
    if (!table)
        abort();
    for (size_t i = 0; i < room; i++)
        if (old[i].key)
            *slot_of(old[i].key) = old[i];
    free(old);
}

static void remember(uint64_t key)
{
    if (2 * ++table_count > table_room)
        table_grow();
    slot_of(key)->key = key;
}

/* ---- threads ---- */

static void leave_thread(void)
{
    uint32_t self = running;

    running = INTERLEAVE_THREADS;
    interleave_switch(&threads[self].sp, explorer);
}

void interleave_wait(bool (*ready)(uint64_t argument), uint64_t argument, const char *what)
{
    if (running == INTERLEAVE_THREADS)
        return;
    threads[running].position = (struct position){0, what, argument, ready, argument};
    leave_thread();
}

void interleave_step(const char *what, uint32_t which)
{
    interleave_wait(NULL, which, what);
}

static void live(void)
{
    world->run(running);
    threads[running].position = (struct position){.ended = 1};
    leave_thread();
}

static bool can_go_on(const struct thread *thread)
{
    const struct position *at = &thread->position;

    return !at->ended && (!at->ready || at->ready(at->argument));
}

static void go_on(uint32_t thread)
{
    running = thread;
    if (world->resume)
        world->resume(thread);
    interleave_switch(&explorer, threads[thread].sp);
}

/* As if live had called interleave_switch before its first line: six registers, where to return to,
 * and a place that keeps the stack aligned as the ABI has it. */
static void start(uint32_t i)
{
    void **top = (void **)(stacks[i] + STACK_BYTES);

    memset(stacks[i], 0, STACK_BYTES);
    top[-2] = (void *)live;
    threads[i] = (struct thread){.sp = top - 8, .position.what = "starts"};
}

/* ---- saving and putting back ---- */

static size_t live_bytes(uint32_t i)
{
    return (size_t)(stacks[i] + STACK_BYTES - (uint8_t *)threads[i].sp);
}

static size_t saved_bytes(void)
{
    size_t bytes = 0;

    for (uint32_t i = 0; i < INTERLEAVE_MEMORY; i++)
        bytes += world->memory[i].bytes;
    for (uint32_t i = 0; i < world->threads; i++)
        bytes += sizeof threads[i] + live_bytes(i);
    return align_up(bytes, LANES * sizeof(uint64_t));
}

/* Copies to or from *at, and moves on. */
static void move(uint8_t **at, void *memory, size_t bytes, bool save)
{
    memcpy(save ? *at : memory, save ? memory : *at, bytes);
    *at += bytes;
}

static void move_all(uint8_t *at, bool save)
{
    for (uint32_t i = 0; i < INTERLEAVE_MEMORY; i++)
        if (world->memory[i].bytes)
            move(&at, world->memory[i].at, world->memory[i].bytes, save);
    for (uint32_t i = 0; i < world->threads; i++) {
        move(&at, &threads[i], sizeof threads[i], save);
        move(&at, threads[i].sp, live_bytes(i), save);
    }
}

/* Not 0. Four words at a time, which do not wait for each other. */
static uint64_t hash(const uint64_t *at, size_t bytes)
{
    uint64_t h[LANES] = {1, 2, 3, 4};

    for (const uint64_t *end = at + bytes / sizeof *at; at < end; at += LANES)
        for (uint32_t lane = 0; lane < LANES; lane++) {
            h[lane] = (h[lane] ^ at[lane]) * 0x9e3779b97f4a7c15u;
            h[lane] ^= h[lane] >> 29;
        }
    for (uint32_t lane = 1; lane < LANES; lane++)
        h[0] = (h[0] ^ h[lane] ^ h[0] >> 31) * 0x9e3779b97f4a7c15u;
    return h[0] | 1;
}

/* ---- the search ---- */

static bool all_ended(void)
{
    for (uint32_t i = 0; i < world->threads; i++)
        if (!threads[i].position.ended)
            return false;
    return true;
}

static uint32_t choices(void)
{
    uint32_t mask = world->events() << world->threads;

    for (uint32_t i = 0; i < world->threads; i++)
        mask |= (uint32_t)can_go_on(&threads[i]) << i;
    return mask;
}

static void take(uint32_t choice)
{
    bool is_event = choice >= world->threads;

    trail[trail_length].thread = is_event ? INTERLEAVE_THREADS : choice;
    trail[trail_length].what =
        is_event ? world->event_names[choice - world->threads] : threads[choice].position.what;
    trail[trail_length++].which = is_event ? 0 : threads[choice].position.which;
    if (is_event)
        world->happen(choice - world->threads);
    else
        go_on(choice);
    wrong = world->wrong();
}

static double explore(void);

/* From the state in hand on, whose hash is key. */
static double explore_new(uint32_t mask, uint64_t key, uint8_t *saved)
{
    double orders = 0;

    for (uint32_t choice = 0; mask >> choice; choice++) {
        if (!(mask >> choice & 1))
            continue;
        move_all(saved, false);
        take(choice);
        if (!wrong)
            orders += explore();
        if (wrong)
            return 0;
        trail_length--;
    }
    slot_of(key)->orders = orders;
    return orders;
}

static double explore(void)
{
    uint32_t mask = choices();
    size_t bytes = saved_bytes();
    void *saved = calloc(1, bytes);
    uint64_t key;
    double orders = 1;

    if (!saved || trail_length == DEPTH)
        abort();
    move_all(saved, true);
    key = hash(saved, bytes);
    if (slot_of(key)->key) {
        orders = slot_of(key)->orders;
    } else {
        remember(key);
        if (mask)
            orders = explore_new(mask, key, saved);
        else
            wrong = all_ended() ? world->wrong_at_end() : "nobody can go on";
        if (!mask)
            slot_of(key)->orders = 1;
    }
    free(saved);
    return orders;
}

struct interleave_result interleave_all(const struct interleave *w)
{
    struct interleave_result result = {0};

    world = w;
    wrong = NULL;
    trail_length = 0;
    table_count = table_room = 0;
    table_grow();
    for (uint32_t i = 0; i < w->threads; i++)
        start(i);
    result.orders = explore();
    result.states = table_count;
    result.wrong = wrong;
    free(table);
    table = NULL;
    return result;
}

void interleave_print(void)
{
    for (uint32_t i = 0; i < trail_length; i++)
        if (trail[i].thread == INTERLEAVE_THREADS)
            fprintf(stderr, "  %s\n", trail[i].what);
        else
            fprintf(stderr, "  thread %u: %s %llu\n", trail[i].thread, trail[i].what,
                    (unsigned long long)trail[i].which);
    fprintf(stderr, "  then: %s\n", wrong ? wrong : "nothing wrong");
}

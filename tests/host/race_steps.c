/* SPDX-License-Identifier: MIT */
/* The threads of the race, their accesses to words, and what no step may bring about. */
#include "tests/host/race_steps.h"
#include <string.h>
#include "kernel/abi.h"
#include "kernel/dma/dma.h"
#include "tests/host/fake_dma_hw.h"
#include "tests/host/race.h"
#include "tests/host/race_words.h"

#define R  ABI_DMA_READ
#define RW ABI_DMA_RIGHTS

enum race_broken race_broken;

static const struct race_scene *scene;
static bool engine_taken;
static uint32_t current;             /* thread */
static uint32_t busy[RACE_PAGES][2]; /* DMAs under way: that read, that write */
static bool hostile;

/* ---- the words: one access, one step ---- */

static uint32_t page_of(const uint32_t *word)
{
    return (uint32_t)(word - race.words);
}

uint32_t race_load(const uint32_t *word)
{
    interleave_step("looks at word", page_of(word));
    return *word;
}

void race_store(uint32_t *word, uint32_t value)
{
    interleave_step("stores word", page_of(word));
    *word = value;
}

/* Adds a difference in one step, or in two. */
static uint32_t change(const char *what, uint32_t *word, uint32_t by, bool in_two)
{
    uint32_t old;

    interleave_step(what, page_of(word));
    old = *word;
    if (in_two)
        interleave_step("and stores word", page_of(word));
    *word = old + by;
    return old;
}

uint32_t race_add(uint32_t *word, uint32_t value)
{
    uint32_t old;

    if (race_broken != LOOK_THEN_REFER)
        return change("refers to word", word, value, race_broken == REFER_IN_TWO);
    old = race_load(word);
    change("refers to word", word, value, false);
    return old;
}

uint32_t race_sub(uint32_t *word, uint32_t value)
{
    return change("gives word back", word, 0 - value, race_broken == GIVE_BACK_IN_TWO);
}

uint32_t race_or(uint32_t *word, uint32_t value)
{
    uint32_t old;

    interleave_step("sets bits of word", page_of(word));
    old = *word;
    if (race_broken == GRANT_IN_TWO)
        interleave_step("and stores word", page_of(word));
    *word = old | value;
    return old;
}

uint32_t race_and(uint32_t *word, uint32_t value)
{
    uint32_t old;

    interleave_step("clears bits of word", page_of(word));
    old = *word;
    *word = old & value;
    return old;
}

bool race_swap(uint32_t *word, uint32_t *expected, uint32_t desired)
{
    interleave_step("takes word", page_of(word));
    if (*word != *expected && race_broken != TAKE_BY_STORE) {
        *expected = *word;
        return false;
    }
    *word = desired;
    return true;
}

/* ---- the threads ---- */

static bool is_free(uint64_t argument)
{
    (void)argument;
    return !engine_taken;
}

void race_enter(void)
{
    interleave_wait(is_free, 0, "enters the engine");
    engine_taken = true;
    dma_domain_set_cpu(race.d, current);
}

void race_leave(void)
{
    engine_taken = false;
}

static void under_way(uint32_t page, uint32_t rights, uint32_t by)
{
    busy[page][0] += by * (rights & R);
    busy[page][1] += by * (rights >> 1);
}

static void use(uint32_t page, uint32_t pages, uint32_t rights)
{
    if (race_map(page, pages, rights) != 0)
        return;
    for (uint32_t i = 0; i < pages; i++)
        under_way(page + i, rights, 1);
    if (race_broken == UNMAP_EARLY)
        race_unmap(page);
    interleave_step("waits for the DMA of page", page);
    for (uint32_t i = 0; i < pages; i++)
        under_way(page + i, rights, -1u);
    for (uint32_t i = race_broken == UNMAP_EARLY; i < pages; i++)
        race_unmap(page + i);
}

static void scribble(uint32_t page)
{
    race_store(&race.words[page], 0);
    race_store(&race.words[page], ABI_DMA_COUNT | RW);
    race_store(&race.words[page], RW);
}

static void run(uint32_t thread)
{
    for (uint32_t i = 0; i < RACE_ACTS; i++) {
        struct race_act act = scene->act[thread][i];

        if (act.kind == USE || act.kind == USE_TWO)
            use(act.what, act.kind == USE_TWO ? 2 : 1, act.rights);
        else if (act.kind == LOWER)
            race_lower(act.what);
        else if (act.kind == FLUSH)
            race_flush();
        else if (act.kind == SCRIBBLE)
            scribble(act.what);
    }
}

static void resume(uint32_t thread)
{
    current = thread;
    race_on_cpu(thread % RACE_CPUS);
}

/* ---- the judge ---- */

static const char *wrong(void)
{
    /* What the fake notes for other tests would tell equal states apart. */
    race.hw->history_count = 0;
    race.hw->stats = (struct dma_hw_stats){0};
    for (uint32_t page = 0; page < RACE_PAGES && !hostile; page++)
        if ((busy[page][0] && !race_reaches(page, R)) || (busy[page][1] && !race_reaches(page, RW)))
            return "a DMA faults";
    return race_astray();
}

static const char *wrong_at_end(void)
{
    for (uint32_t page = 0; page < RACE_PAGES && !hostile; page++)
        if (race.words[page] >= ABI_DMA_COUNT)
            return "a reference is left";
    return NULL;
}

struct interleave_result race_play(const struct race_scene *s, const struct dma_config *like)
{
    struct dma_config config = *like;
    struct interleave_result result;

    scene = s;
    engine_taken = false;
    hostile = false;
    memset(busy, 0, sizeof busy);
    config.quota = s->quota;
    race_open(&config, s->mapped, R);
    race_hardware_open();
    for (uint32_t thread = 0; thread < RACE_THREADS; thread++)
        hostile |= s->act[thread][0].kind == SCRIBBLE;
    /* The guest's dma_counters are not here: nothing depends on them. */
    const struct interleave world = {
        .threads = RACE_THREADS,
        .run = run,
        .resume = resume,
        .events = race_events,
        .happen = race_happen,
        .event_names = race_event_names,
        .wrong = wrong,
        .wrong_at_end = wrong_at_end,
        .memory = {{&race, sizeof race},
                   {race.d, race.domain_bytes},
                   {race.hw, sizeof *race.hw},
                   {race.hw->page, RACE_PAGES * sizeof *race.hw->page},
                   {race.hw->pending, RACE_PENDING * sizeof *race.hw->pending},
                   {&engine_taken, sizeof engine_taken},
                   {busy, sizeof busy}},
    };
    result = interleave_all(&world);
    race_close();
    return result;
}

/* SPDX-License-Identifier: MIT */
/* The hardware's operations, each a step by the fake's hook or broken; and what the device does
 * when it likes. */
#include <stdlib.h>
#include "tests/host/fake_dma_hw.h"
#include "tests/host/race.h"
#include "tests/host/race_steps.h"
#include "tests/host/race_words.h"

int __real_dma_hw_set(struct dma_hw *hw, iova_t at, hpa_t frame, uint64_t pages, uint32_t rights);
void __real_dma_hw_clear(struct dma_hw *hw, iova_t at, uint64_t pages);
int __real_dma_hw_invalidate(struct dma_hw *hw, iova_t at, uint64_t pages);
bool __real_dma_hw_done(struct dma_hw *hw, dma_token_t token);
int __real_dma_hw_wait(struct dma_hw *hw, dma_token_t token);
int __wrap_dma_hw_set(struct dma_hw *hw, iova_t at, hpa_t frame, uint64_t pages, uint32_t rights);
void __wrap_dma_hw_clear(struct dma_hw *hw, iova_t at, uint64_t pages);
int __wrap_dma_hw_invalidate(struct dma_hw *hw, iova_t at, uint64_t pages);
bool __wrap_dma_hw_done(struct dma_hw *hw, dma_token_t token);
int __wrap_dma_hw_wait(struct dma_hw *hw, dma_token_t token);

static uint32_t index_of(iova_t at)
{
    return (uint32_t)((at.v - RACE_BASE) >> PAGE_SHIFT);
}

int __wrap_dma_hw_set(struct dma_hw *hw, iova_t at, hpa_t frame, uint64_t pages, uint32_t rights)
{
    for (uint64_t i = 0; i < pages && race_broken == GRANT_BEFORE_ENTRY; i++)
        race_or(&race.words[index_of(at) + i], rights);
    return __real_dma_hw_set(hw, at, frame, pages, rights);
}

void __wrap_dma_hw_clear(struct dma_hw *hw, iova_t at, uint64_t pages)
{
    if (race_broken != NO_CLEAR && race_broken != CLEAR_LATE)
        __real_dma_hw_clear(hw, at, pages);
}

int __wrap_dma_hw_invalidate(struct dma_hw *hw, iova_t at, uint64_t pages)
{
    bool widens = hw->page[index_of(at)].table.rights != 0;
    int error = 0;

    if (race_broken != NO_INVALIDATION && !(race_broken == WIDEN_AT_ONCE && widens))
        error = __real_dma_hw_invalidate(hw, at, pages);
    if (race_broken == CLEAR_LATE)
        __real_dma_hw_clear(hw, at, pages);
    return error;
}

bool __wrap_dma_hw_done(struct dma_hw *hw, dma_token_t token)
{
    return race_broken == NO_WAIT || __real_dma_hw_done(hw, token);
}

int __wrap_dma_hw_wait(struct dma_hw *hw, dma_token_t token)
{
    return race_broken == NO_WAIT ? 0 : __real_dma_hw_wait(hw, token);
}

static bool has_completed(uint64_t token)
{
    return race.hw->completed >= token;
}

static void before(void *context, enum fake_operation operation)
{
    static const char *const names[] = {[FAKE_SET] = "sets entry",
                                        [FAKE_CLEAR] = "clears entry",
                                        [FAKE_INVALIDATE] = "invalidates page",
                                        [FAKE_SUBMIT] = "has handed over token",
                                        [FAKE_WAIT] = "waits for token"};
    const struct fake_record *record = &race.hw->history[race.hw->history_count - 1];

    (void)context;
    if (operation == FAKE_WAIT)
        interleave_wait(has_completed, record->token, names[operation]);
    else if (operation == FAKE_SUBMIT)
        interleave_step(names[operation], (uint32_t)record->token);
    else if (operation != FAKE_PREPARE)
        interleave_step(names[operation], index_of(iova(record->iova)));
}

/* ---- the device ---- */

const char *const race_event_names[] = {"device fetches page 0", "device fetches page 1",
                                        "device fetches page 2", "device fetches page 3",
                                        "a token completes"};
_Static_assert(sizeof race_event_names / sizeof *race_event_names == RACE_PAGES + 1,
               "one a page, and one");

/* What the IOTLB does not have yet. What it holds stale, it may get anew once the invalidation was
 * carried out, which is before the token shows. */
uint32_t race_events(void)
{
    uint32_t mask = (race.hw->completed < race.hw->submitted) << RACE_PAGES;

    for (uint32_t i = 0; i < RACE_PAGES; i++) {
        const struct fake_page *p = &race.hw->page[i];

        mask |= (p->table.rights && p->table.rights != p->refetched.rights) << i;
    }
    return mask;
}

void race_happen(uint32_t event)
{
    struct fake_page *p;

    if (event == RACE_PAGES) {
        race.hw->polls = 0;
        __real_dma_hw_done(race.hw, race.hw->completed + 1);
        return;
    }
    p = &race.hw->page[event];
    if (!p->iotlb.rights)
        p->iotlb = p->table;
    p->refetched = p->table;
}

void race_hardware_open(void)
{
    race.hw->hook = before;
    race.hw->late = UINT32_MAX; /* nothing completes but by an event */
    race.hw->pending = calloc(RACE_PENDING, sizeof *race.hw->pending);
    race.hw->pending_room = RACE_PENDING;
    if (!race.hw->pending)
        abort();
}

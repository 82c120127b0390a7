/* SPDX-License-Identifier: MIT */
/* The guest's recorder and the compact form: what is read back is what happened, in a ring that is
 * large enough and in one that is not. */
#include "tests/host/unit.h"

#include <errno.h>
#include "guest/dma.h"
#include "guest/hyper.h"
#include "lib/dma_trace.h"
#include "tests/host/fake_hyper.h"
#include "tests/host/random.h"

#define STEPS 5000u

struct happened {
    uint32_t page;
    bool unmaps;
};

static struct abi_trace *ring;
static struct happened happened[2 * STEPS * 8];
static size_t happenings;

static void start(uint64_t events)
{
    fake_hyper_reset();
    free(ring);
    ring = calloc(1, dma_trace_ring_bytes(events, FAKE_PAGES));
    ring->events = events;
    happenings = 0;
    fake_hyper_trace(ring);
}

static int clean(void **state)
{
    (void)state;
    free(ring);
    ring = NULL;
    return 0;
}

static void note(uint32_t page, bool unmaps)
{
    happened[happenings++] = (struct happened){page, unmaps};
}

/* Random bursts, a part of them refused, and unmaps. */
static void live(uint64_t seed)
{
    static uint64_t mapped[FAKE_PAGES * 8];
    static uint32_t page_of[FAKE_PAGES * 8];
    uint32_t count = 0;

    dma_start(1);
    for (uint32_t i = 0; i < STEPS; i++) {
        uint32_t n = 1 + random_below(&seed, 8), pages[8];
        struct dma_burst burst;
        uint64_t at[8];

        if (count + n > 64 || random_chance(&seed, 2)) {
            for (; n > 0 && count > 0; n--) {
                uint32_t victim = random_below(&seed, count--);

                note(page_of[victim], true);
                dma_unmap(mapped[victim]);
                mapped[victim] = mapped[count];
                page_of[victim] = page_of[count];
            }
            continue;
        }
        bool refused = random_chance(&seed, 4);

        /* With a window unmaps ride along, which are never refused. */
        fake_hyper.map_error = refused && !boot->dma_mode ? -ENOSPC : 0;
        fake_hyper.refuse_map_after = refused && boot->dma_mode;
        dma_burst_begin(&burst);
        for (uint32_t k = 0; k < n; k++) {
            pages[k] = random_below(&seed, FAKE_PAGES);
            at[k] = dma_burst_map(&burst, fake_page(pages[k]) + 64, ABI_DMA_READ);
        }
        if (dma_burst_commit(&burst))
            continue;
        for (uint32_t k = 0; k < n; k++) {
            note(pages[k], false);
            mapped[count] = at[k];
            page_of[count++] = pages[k];
        }
    }
}

static uint64_t number(const uint8_t **at)
{
    uint64_t value = 0;
    unsigned shift = 0;

    do {
        value |= (uint64_t)(**at & 0x7f) << shift;
        shift += 7;
    } while (*(*at)++ & 0x80);
    return value;
}

/* Reads the ring in pieces of this size and compares: first the mappings that are older than the
 * ring, in any order, then what happened last. */
static void check(size_t piece)
{
    struct dma_trace_reader r = dma_trace_read(ring, 512, FAKE_PAGES);
    uint8_t *form = malloc(DMA_TRACE_HEADER_BYTES + 30 * (happenings + 64)), *end = form;
    uint64_t kept = ring->next - ring->first, field[3], page = 0;
    int32_t held[FAKE_PAGES] = {0};

    assert_true(dma_trace_is_sound(ring, ring->events, FAKE_PAGES));
    for (size_t n; (n = dma_trace_more(&r, end, piece)) > 0;)
        end += n;
    assert_memory_equal(form, DMA_TRACE_MAGIC, 8);
    memcpy(field, form + 8, sizeof field);
    assert_int_equal(field[1], 512);
    assert_int_equal(field[2], FAKE_PAGES);
    assert_int_equal(kept, happenings < ring->events ? happenings : ring->events);
    for (size_t i = 0; i < happenings - kept; i++)
        held[happened[i].page] += happened[i].unmaps ? -1 : 1;

    const uint8_t *at = form + DMA_TRACE_HEADER_BYTES;

    for (uint64_t i = 0; i < field[0]; i++) {
        bool unmaps = number(&at) & 1;
        uint64_t step = number(&at), last = number(&at);

        page += step >> 1 ^ -(step & 1);
        assert_int_equal(last >> 3, 1);
        if (i < field[0] - kept) {
            assert_false(unmaps);
            held[page]--;
            continue;
        }
        const struct happened *h = &happened[happenings - (field[0] - i)];

        assert_int_equal(page, h->page);
        assert_int_equal(unmaps, h->unmaps);
        assert_int_equal(last & 7, unmaps ? 4 : 1);
    }
    assert_ptr_equal(at, end);
    for (uint32_t i = 0; i < FAKE_PAGES; i++)
        assert_int_equal(held[i], 0);
    free(form);
}

static void all_of_it_is_there(void **state)
{
    (void)state;
    start(1u << 18);
    live(1);
    assert_true(happenings > STEPS);
    check(4096);
}

static void of_a_small_ring_the_last_and_what_was_mapped_then(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 8; seed++) {
        start(200 + seed);
        live(seed);
        check(DMA_TRACE_HEADER_BYTES + seed);
    }
}

static void a_window_is_recorded_by_its_pages(void **state)
{
    static const enum abi_dma_mode modes[] = {ABI_DMA_SHARED, ABI_DMA_SINGLE_USE};

    (void)state;
    for (int i = 0; i < 2; i++) {
        start(777);
        fake_hyper_window(modes[i], ABI_CALLS_BATCH, "magazine");
        live(9);
        check(64);
    }
}

static void what_a_guest_wrote_is_checked(void **state)
{
    (void)state;
    start(256);
    live(3);
    uint64_t first = ring->first, next = ring->next;

    ring->next = ring->first + 257;
    assert_false(dma_trace_is_sound(ring, 256, FAKE_PAGES));
    ring->next = ring->first - 1;
    assert_false(dma_trace_is_sound(ring, 256, FAKE_PAGES));
    ring->next = next;
    ring->events = 255;
    assert_false(dma_trace_is_sound(ring, 256, FAKE_PAGES));
    ring->events = 256;
    ring->event[first % 256].what |= ABI_TRACE_PAGE;
    assert_false(dma_trace_is_sound(ring, 256, FAKE_PAGES));
    ring->event[first % 256].what = 0;
    assert_true(dma_trace_is_sound(ring, 256, FAKE_PAGES));
    ((uint32_t *)(ring->event + 256))[FAKE_PAGES - 1] = UINT32_MAX;
    assert_false(dma_trace_is_sound(ring, 256, FAKE_PAGES));
}

static void times_wrap_and_are_never_negative(void **state)
{
    struct dma_trace_coder coder = {0};
    struct dma_trace_event event = {.time_us = 1000, .page = 5, .pages = 1};
    uint8_t bytes[DMA_TRACE_EVENT_BYTES];
    const uint8_t *at = bytes;

    (void)state;
    dma_trace_put(&coder, &event, bytes);
    event.time_us = 999;
    dma_trace_put(&coder, &event, bytes);
    assert_int_equal(number(&at), 0);
    start(16);
    ring->next = 2;
    ring->event[0].time_us = UINT32_MAX - 1;
    ring->event[1].time_us = 3;
    struct dma_trace_reader r = dma_trace_read(ring, 0, FAKE_PAGES);
    uint8_t form[128];

    dma_trace_more(&r, form, sizeof form);
    at = form + DMA_TRACE_HEADER_BYTES + 3;
    assert_int_equal(number(&at) >> 1, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(all_of_it_is_there, clean),
        cmocka_unit_test_teardown(of_a_small_ring_the_last_and_what_was_mapped_then, clean),
        cmocka_unit_test_teardown(a_window_is_recorded_by_its_pages, clean),
        cmocka_unit_test_teardown(what_a_guest_wrote_is_checked, clean),
        cmocka_unit_test_teardown(times_wrap_and_are_never_negative, clean),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* With no memory left, or too little, each step fails in full: nothing half made, nothing lost. */
#include "tests/cpu/memory.h"
#include <errno.h>
#include "kernel/mem.h"
#include "kernel/smp.h"
#include "tests/cpu/test.h"

#define FAR_AWAY gpa(0x7fffffe000ull) /* two pages below 512 GiB */

static int starved_enable; /* what enable() said without memory */

/* All frames, each pointing to the one taken before. */
static uint64_t *taken;

static void take_all(void)
{
    for (hpa_t frame; (frame = frame_alloc()).v;) {
        uint64_t *next = phys_to_virt(frame);

        *next = (uint64_t)taken;
        taken = next;
    }
}

static void give_one_back(void)
{
    uint64_t *frame = taken;

    taken = (uint64_t *)*frame;
    frame_free(virt_to_phys(frame));
}

static void give_all_back(void)
{
    while (taken)
        give_one_back();
}

/* The second time, a backend that needs two frames finds one. */
void memory_starve_enable(void)
{
    take_all();
    starved_enable = cpu->enable();
    if (is_svm()) {
        give_one_back();
        starved_enable |= cpu->enable();
    }
    give_all_back();
}

static void enable_needs_frames(struct guest *g)
{
    (void)g;
    EXPECT_EQ(starved_enable, -ENOMEM);
}

static void vcpu_init_needs_frames(struct guest *g)
{
    struct vcpu v = {.nested = g->nested};
    int errors;

    take_all();
    errors = cpu->vcpu_init(&v);
    give_one_back();
    errors |= cpu->vcpu_init(&v);
    test_equal(__FILE__, __LINE__, "frames_free()", frames_free(), 1);
    give_all_back();
    EXPECT_EQ(errors, -ENOMEM);
}

/* Two of its own, and then page tables for what it shares with its guest: a failure takes all of it
 * back. */
static void sharing_needs_frames(struct guest *g)
{
    struct nested_table *table;
    struct vcpu v = {0};
    uint64_t left = 0;
    unsigned turns = 0;

    EXPECT_EQ(nested_create(cpu->nested_format(), &table), 0);
    v.nested = table;
    take_all();
    while (turns < 20 && cpu->vcpu_init(&v) == -ENOMEM) {
        left |= frames_free() + nested_table_pages(table) - turns - 1;
        give_one_back();
        turns++;
    }
    give_all_back();
    if (v.backend)
        cpu->vcpu_fini(&v);
    nested_destroy(table);
    (void)g;
    EXPECT_EQ(left, 0);
    EXPECT(turns > 4 && turns < 20);
}

static void nested_create_needs_frames(struct guest *g)
{
    struct nested_table *table;
    int errors;

    (void)g;
    take_all();
    errors = nested_create(cpu->nested_format(), &table);
    give_one_back();
    errors |= nested_create(cpu->nested_format(), &table);
    test_equal(__FILE__, __LINE__, "frames_free()", frames_free(), 1);
    give_all_back();
    EXPECT_EQ(errors, -ENOMEM);
}

/* Two tables for the first pages, three for the others. Tables stay when a map fails, so each turn
 * comes one further; pages do not. */
static void nested_map_needs_frames(struct guest *g)
{
    const uint32_t pages = nested_table_pages(g->nested);
    unsigned rights, turns = 0;
    hpa_t host;
    bool left_one = false;

    take_all();
    while (turns < 10 && nested_map(g->nested, FAR_AWAY, hpa(0), 4 * PAGE_SIZE, NESTED_READ,
                                    PAGE_SIZE, false) == -ENOMEM) {
        left_one |= nested_lookup(g->nested, FAR_AWAY, &host, &rights) == 0;
        give_one_back();
        turns++;
    }
    give_all_back();
    EXPECT_EQ(turns, 5);
    EXPECT_EQ(nested_table_pages(g->nested), pages + turns);
    EXPECT(!left_one);
    EXPECT_EQ(nested_lookup(g->nested, FAR_AWAY, &host, &rights), 0);
}

static void mapped_twice_is_refused(struct guest *g)
{
    unsigned rights;
    hpa_t host;

    EXPECT_EQ(
        nested_map(g->nested, gpa(GUEST_DATA), hpa(0), PAGE_SIZE, NESTED_READ, PAGE_SIZE, false),
        -EEXIST);
    /* In the middle, and what came before it is taken back. */
    EXPECT_EQ(nested_map(g->nested, gpa(GUEST_RAM - PAGE_SIZE), hpa(0), 2 * PAGE_SIZE, NESTED_READ,
                         PAGE_SIZE, false),
              -EEXIST);
    EXPECT_EQ(nested_lookup(g->nested, gpa(GUEST_RAM - PAGE_SIZE), &host, &rights), -EFAULT);
}

static const struct test_case cases[] = {
    CASE(enable_needs_frames),        CASE(vcpu_init_needs_frames),
    CASE(nested_create_needs_frames), CASE(nested_map_needs_frames),
    CASE(mapped_twice_is_refused),    CASE_OF("native", sharing_needs_frames),
};

GROUP(memory);

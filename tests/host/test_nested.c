/* SPDX-License-Identifier: MIT */
/* The nested table against a plain list of pages, in both formats; every frame it takes comes back.
 */
#include "tests/host/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "kernel/cpu/nested.h"
#include "kernel/mem.h"
#include "kernel/panic.h"
#include "tests/host/random.h"

#define PAGES  4096u           /* of guest memory, in 8 regions of 2 MiB */
#define BASE   0x3ffff00000ull /* across a boundary of 1 GiB and of 2 MiB */
#define FRAMES 0x40000000ull

static const struct nested_format npt = {.table = 7,
                                         .read = 5,
                                         .write = 2,
                                         .no_exec = 1ull << 63,
                                         .large = 1 << 7,
                                         .device = 0x18,
                                         .present = 1,
                                         .has_1g = true};
static const struct nested_format ept = {.table = 7,
                                         .read = 1,
                                         .write = 2,
                                         .exec = 4,
                                         .large = 1 << 7,
                                         .memory = 6 << 3,
                                         .present = 7,
                                         .has_1g = true};

static int frames_out, frames_left;
static uint64_t seed = 1;

hpa_t frame_alloc(void)
{
    void *frame = frames_left > 0 ? aligned_alloc(PAGE_SIZE, PAGE_SIZE) : NULL;

    if (frame == NULL)
        return hpa(0);
    frames_left--;
    frames_out++;
    memset(frame, 0, PAGE_SIZE);
    return virt_to_phys(frame);
}

void frame_free(hpa_t frame)
{
    frames_out--;
    free(phys_to_virt(frame));
}

void panic(const char *format, ...)
{
    fail_msg("panic: %s", format);
    abort();
}

static struct nested_table *make(const struct nested_format *format)
{
    struct nested_table *t;

    frames_left = 10000;
    assert_int_equal(nested_create(*format, &t), 0);
    return t;
}

static void destroy(struct nested_table *t)
{
    nested_destroy(t);
    assert_int_equal(frames_out, 0);
}

static void check(const struct nested_table *t, uint64_t guest, uint64_t host, unsigned rights)
{
    hpa_t to;
    unsigned got;

    if (rights == 0) {
        assert_int_equal(nested_lookup(t, gpa(guest), &to, &got), -EFAULT);
        return;
    }
    assert_int_equal(nested_lookup(t, gpa(guest), &to, &got), 0);
    assert_int_equal(to.v, host);
    assert_int_equal(got, rights);
}

static void leaves_are_as_large_as_may_be(void **state)
{
    const struct {
        uint64_t guest, host, bytes, largest;
        uint32_t pages; /* of tables */
    } cases[] = {
        {0, 0, PAGE_SIZE, PAGE_1G, 4},
        {0, 0, PAGE_2M, PAGE_2M, 3},
        {0, 0, PAGE_2M, PAGE_SIZE, 4},
        {0, PAGE_SIZE, PAGE_2M, PAGE_2M, 4},
        {PAGE_1G, 0, PAGE_1G, PAGE_1G, 2},
        {PAGE_1G, 0, PAGE_1G, PAGE_2M, 3},
        {PAGE_1G - PAGE_2M, PAGE_1G - PAGE_2M, PAGE_1G + 2 * PAGE_2M, PAGE_1G, 4},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nested_table *t = make(i % 2 ? &ept : &npt);

        assert_int_equal(nested_map(t, gpa(cases[i].guest), hpa(cases[i].host), cases[i].bytes,
                                    NESTED_READ | NESTED_EXEC, cases[i].largest, false),
                         0);
        assert_int_equal(nested_table_pages(t), cases[i].pages);
        check(t, cases[i].guest + cases[i].bytes - PAGE_SIZE,
              cases[i].host + cases[i].bytes - PAGE_SIZE, NESTED_READ | NESTED_EXEC);
        check(t, cases[i].guest + cases[i].bytes, 0, 0);
        destroy(t);
    }
}

static void what_is_mapped_is_not_replaced(void **state)
{
    struct nested_table *t = make(&npt);

    (void)state;
    assert_int_equal(nested_map(t, gpa(PAGE_2M), hpa(0), PAGE_2M, NESTED_READ, PAGE_2M, false), 0);
    assert_int_equal(
        nested_map(t, gpa(PAGE_2M - PAGE_SIZE), hpa(0), 2 * PAGE_SIZE, NESTED_READ, PAGE_2M, false),
        -EEXIST);
    check(t, PAGE_2M - PAGE_SIZE, 0, 0); /* nothing of the refused range stays */
    check(t, PAGE_2M, 0, NESTED_READ);
    destroy(t);
}

static void out_of_memory_leaves_nothing(void **state)
{
    (void)state;
    for (int frames = 0; frames < 5; frames++) {
        struct nested_table *t = make(&npt);

        frames_left = frames;
        assert_int_equal(nested_map(t, gpa(PAGE_1G - PAGE_SIZE), hpa(0), 2 * PAGE_SIZE, NESTED_READ,
                                    PAGE_2M, false),
                         -ENOMEM);
        check(t, PAGE_1G - PAGE_SIZE, 0, 0);
        destroy(t);
    }
}

static void every_change_shows(void **state)
{
    struct nested_table *t = make(&npt);
    uint64_t before = nested_generation(t);

    (void)state;
    nested_map(t, gpa(0), hpa(0), PAGE_SIZE, NESTED_READ, PAGE_SIZE, false);
    assert_true(nested_generation(t) != before);
    before = nested_generation(t);
    nested_unmap(t, gpa(0), PAGE_SIZE);
    assert_true(nested_generation(t) != before);
    destroy(t);
}

struct page {
    uint64_t host;
    unsigned rights; /* 0: not mapped */
};

static struct page pages[PAGES];

static bool is_free(uint32_t first, uint32_t n)
{
    for (uint32_t i = first; i < first + n; i++)
        if (pages[i].rights)
            return false;
    return true;
}

static void map_some(struct nested_table *t)
{
    static const unsigned rights[] = {NESTED_READ, NESTED_READ | NESTED_WRITE,
                                      NESTED_READ | NESTED_WRITE | NESTED_EXEC};
    uint32_t first = random_below(&seed, PAGES), n = random_below(&seed, 1200) + 1;
    unsigned r = rights[random_below(&seed, 3)];
    uint64_t host = FRAMES + random_below(&seed, 3) * 0x100000 + first * PAGE_SIZE;
    bool device = random_below(&seed, 2);
    int error;

    if (n > PAGES - first)
        n = PAGES - first;
    error = nested_map(t, gpa(BASE + first * PAGE_SIZE), hpa(host), n * PAGE_SIZE, r,
                       random_below(&seed, 2) ? PAGE_2M : PAGE_SIZE, device);
    assert_int_equal(error, is_free(first, n) ? 0 : -EEXIST);
    for (uint32_t i = 0; i < n && !error; i++)
        pages[first + i] = (struct page){host + i * PAGE_SIZE, r};
}

/* Whole regions of 2 MiB: a leaf is never cut. */
static void unmap_some(struct nested_table *t)
{
    uint64_t from = align_up(BASE, PAGE_2M) + random_below(&seed, 6) * PAGE_2M;
    uint32_t first = (uint32_t)((from - BASE) / PAGE_SIZE);

    nested_unmap(t, gpa(from), PAGE_2M);
    memset(&pages[first], 0, PAGE_2M / PAGE_SIZE * sizeof pages[0]);
}

static void agrees_with_a_list_of_pages(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        struct nested_table *t = make(round % 2 ? &ept : &npt);

        memset(pages, 0, sizeof pages);
        for (int i = 0; i < 60; i++) {
            if (random_below(&seed, 3))
                map_some(t);
            else
                unmap_some(t);
            for (uint32_t p = 0; p < PAGES; p++)
                check(t, BASE + p * PAGE_SIZE, pages[p].host, pages[p].rights);
        }
        destroy(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_are_as_large_as_may_be),
        cmocka_unit_test(what_is_mapped_is_not_replaced),
        cmocka_unit_test(out_of_memory_leaves_nothing),
        cmocka_unit_test(every_change_shows),
        cmocka_unit_test(agrees_with_a_list_of_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* The nested table against a plain list of pages, in both formats; every frame it takes comes back.
 */
#include "tests/host/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kernel/cpu/nested.h"
#include "kernel/mem.h"
#include "kernel/panic.h"
#include "kernel/smp.h"
#include "kernel/time.h"
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

static jmp_buf in_panic;
static bool may_panic;
static char reason[320];

void panic(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    if (!may_panic)
        fail_msg("panic: %s", reason);
    may_panic = false;
    longjmp(in_panic, 1);
}

/* Whether it panics; reason says why. */
#define PANICS(call) (may_panic = true, setjmp(in_panic) == 0 ? ((call), may_panic = false) : true)

/* The CPU that is kicked leaves, if it obeys, when it was looked at a few times. */
static uint64_t now;
static uint32_t kicks, kicked, looks_left;
static bool deaf;

int smp_kick(uint32_t cpu)
{
    kicks++;
    kicked = cpu;
    looks_left = deaf ? 0 : 3;
    return 0;
}

uint64_t deadline_us(uint64_t us)
{
    return now + us;
}

bool deadline_passed(uint64_t end)
{
    if (looks_left > 0 && --looks_left == 0)
        nested_leave(kicked);
    now += 1000;
    return now >= end;
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

static void what_goes_stale_has_another_generation(void **state)
{
    struct nested_table *t = make(&npt), *other = make(&npt);
    uint64_t before = nested_generation(t);

    (void)state;
    assert_true(before != nested_generation(other));
    nested_map(t, gpa(0), hpa(0), PAGE_SIZE, NESTED_READ, PAGE_SIZE, false);
    assert_int_equal(nested_generation(t), before);
    nested_unmap(t, gpa(0), PAGE_SIZE);
    assert_true(nested_generation(t) > before);
    assert_true(nested_generation(t) != nested_generation(other));
    nested_destroy(other);
    destroy(t);
}

/* A whole run as a backend does it; returns whether it was let in. */
static bool run(struct vcpu *v, uint32_t cpu, bool flush)
{
    bool is_stale;

    nested_enter(v, cpu);
    if (flush)
        nested_flushed(v, cpu);
    is_stale = PANICS(nested_check_fresh(v, cpu));
    nested_leave(cpu);
    return !is_stale;
}

static void a_first_entry_flushes(void **state)
{
    struct vcpu v = {.nested = make(&npt)};

    (void)state;
    assert_false(run(&v, 0, false));
    assert_says(reason, "CPU 0 enters");
    assert_true(run(&v, 0, true));
    assert_true(run(&v, 0, false));
    destroy(v.nested);
}

static void an_unmap_needs_a_flush_on_each_cpu(void **state)
{
    struct vcpu v = {.nested = make(&npt)};
    char words[64];

    (void)state;
    assert_true(run(&v, 0, true));
    nested_map(v.nested, gpa(0), hpa(0), PAGE_SIZE, NESTED_READ, PAGE_SIZE, false);
    assert_true(run(&v, 0, false));
    snprintf(words, sizeof words, "flushed at generation %lu", nested_generation(v.nested));
    nested_unmap(v.nested, gpa(0), PAGE_SIZE);
    assert_false(run(&v, 0, false));
    assert_says(reason, words);
    snprintf(words, sizeof words, "the table is at %lu", nested_generation(v.nested));
    assert_says(reason, words);
    assert_false(run(&v, 3, false));
    assert_says(reason, "CPU 3 enters");
    assert_true(run(&v, 0, true));
    destroy(v.nested);
}

/* A guest flushes for itself as well, and only where it runs. */
static void a_vcpu_that_moved_flushes(void **state)
{
    struct vcpu v = {.nested = make(&npt)};

    (void)state;
    assert_true(run(&v, 0, true));
    assert_true(run(&v, 1, true));
    assert_false(run(&v, 0, false));
    assert_says(reason, "before it ran elsewhere");
    assert_true(run(&v, 0, true));
    assert_false(run(&v, 1, false));
    destroy(v.nested);
}

static void another_guest_on_the_cpu_needs_a_flush(void **state)
{
    struct vcpu a = {.nested = make(&npt)}, b = {.nested = make(&npt)}, twin = a;

    (void)state;
    assert_true(run(&a, 0, true));
    assert_false(run(&b, 0, false));
    assert_false(run(&twin, 0, false)); /* another vCPU on the same table */
    assert_true(run(&b, 0, true));
    assert_false(run(&a, 0, false));
    nested_destroy(b.nested);
    destroy(a.nested);
}

static void an_unmap_drives_out_who_is_inside(void **state)
{
    struct vcpu v = {.nested = make(&npt)}, other = {.nested = make(&npt)};
    uint64_t before = nested_generation(v.nested);

    (void)state;
    kicks = 0;
    nested_unmap(v.nested, gpa(0), PAGE_SIZE);
    assert_int_equal(kicks, 0); /* nobody is inside */
    nested_enter(&v, 1);
    nested_enter(&other, 2);
    nested_unmap(v.nested, gpa(0), PAGE_SIZE);
    assert_int_equal(kicks, 1);
    assert_int_equal(kicked, 1);
    assert_int_equal(looks_left, 0); /* it was waited for */
    assert_true(nested_enter(&v, 1) > before);
    nested_leave(1);
    nested_unmap(other.nested, gpa(0), PAGE_SIZE);
    assert_int_equal(kicks, 2);
    nested_unmap(v.nested, gpa(0), PAGE_SIZE);
    assert_int_equal(kicks, 2);
    nested_destroy(other.nested);
    destroy(v.nested);
}

static void who_does_not_leave_ends_in_a_panic(void **state)
{
    struct vcpu v = {.nested = make(&npt)};

    (void)state;
    nested_enter(&v, 5);
    deaf = true;
    assert_true(PANICS(nested_unmap(v.nested, gpa(0), PAGE_SIZE)));
    assert_says(reason, "CPU 5 stays in the guest");
    deaf = false;
    nested_leave(5);
    destroy(v.nested);
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
        cmocka_unit_test(what_goes_stale_has_another_generation),
        cmocka_unit_test(a_first_entry_flushes),
        cmocka_unit_test(an_unmap_needs_a_flush_on_each_cpu),
        cmocka_unit_test(a_vcpu_that_moved_flushes),
        cmocka_unit_test(another_guest_on_the_cpu_needs_a_flush),
        cmocka_unit_test(an_unmap_drives_out_who_is_inside),
        cmocka_unit_test(who_does_not_leave_ends_in_a_panic),
        cmocka_unit_test(agrees_with_a_list_of_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

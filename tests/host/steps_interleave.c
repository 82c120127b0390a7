/* SPDX-License-Identifier: MIT */
/* That interleave_all leaves no order out: where the number of orders is known, and where one order
 * in many goes wrong. */
#include "tests/host/unit.h"

#include "tests/host/interleave.h"

#define THREADS 3u

static struct {
    uint32_t value, left, taken[2];
} shared;
static uint32_t length[THREADS]; /* steps of each thread */
static bool in_two;

static uint32_t no_events(void)
{
    return 0;
}

static uint32_t event_left(void)
{
    return shared.left > 0;
}

static void happen(uint32_t event)
{
    (void)event;
    shared.left--;
}

static const char *nothing_wrong(void)
{
    return NULL;
}

static const char *all_counted(void)
{
    return shared.value == 2 ? NULL : "lost";
}

static void count_off(uint32_t thread)
{
    for (uint32_t i = 1; i < length[thread]; i++) {
        shared.value = shared.value * 31 + thread;
        interleave_step("counts", i);
    }
    shared.value = shared.value * 31 + thread;
}

static void increase(uint32_t thread)
{
    uint32_t old;

    (void)thread;
    interleave_step("loads", 0);
    old = shared.value;
    if (in_two)
        interleave_step("stores", 0);
    shared.value = old + 1;
}

static bool is_free(uint64_t lock)
{
    return !shared.taken[lock];
}

/* Two locks, each thread its own one first. */
static void lock_both(uint32_t thread)
{
    for (uint32_t i = 0; i < 2; i++) {
        interleave_wait(is_free, thread ^ i, "takes lock");
        shared.taken[thread ^ i] = 1;
    }
    interleave_step("gives both back", 0);
    shared.taken[0] = shared.taken[1] = 0;
}

static struct interleave world_of(uint32_t threads, void (*run)(uint32_t thread))
{
    static const char *const names[] = {"event"};

    memset(&shared, 0, sizeof shared);
    return (struct interleave){
        .threads = threads,
        .run = run,
        .events = no_events,
        .happen = happen,
        .event_names = names,
        .wrong = nothing_wrong,
        .wrong_at_end = nothing_wrong,
        .memory = {{&shared, sizeof shared}},
    };
}

static double orders_of(uint32_t a, uint32_t b, uint32_t c)
{
    struct interleave world = world_of(c ? 3 : 2, count_off);

    length[0] = a;
    length[1] = b;
    length[2] = c;
    return interleave_all(&world).orders;
}

static void every_order_is_counted(void **state)
{
    (void)state;
    assert_true(orders_of(1, 1, 0) == 2);
    assert_true(orders_of(3, 4, 0) == 35);
    assert_true(orders_of(10, 10, 0) == 184756);
    assert_true(orders_of(3, 3, 3) == 1680);
}

static void events_come_anywhere(void **state)
{
    struct interleave world = world_of(1, count_off);

    (void)state;
    world.events = event_left;
    length[0] = 4;
    shared.left = 2;
    assert_true(interleave_all(&world).orders == 15);
}

static void the_order_that_goes_wrong_is_found(void **state)
{
    struct interleave world = world_of(2, increase);

    (void)state;
    world.wrong_at_end = all_counted;
    in_two = false;
    assert_null(interleave_all(&world).wrong);
    world = world_of(2, increase);
    world.wrong_at_end = all_counted;
    in_two = true;
    assert_string_equal(interleave_all(&world).wrong, "lost");
}

static void a_deadlock_is_found(void **state)
{
    struct interleave world = world_of(2, lock_both);

    (void)state;
    assert_string_equal(interleave_all(&world).wrong, "nobody can go on");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_order_is_counted),
        cmocka_unit_test(events_come_anywhere),
        cmocka_unit_test(the_order_that_goes_wrong_is_found),
        cmocka_unit_test(a_deadlock_is_found),
    };

    return cmocka_run_group_tests_name("steps interleave", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Proof that the lives catch what they are for: allocators with one fault each, made of real ones.
 * With no fault, the same lives hold.
 */
#include "tests/host/unit.h"
#include <errno.h>
#include "tests/host/iova_life.h"

static const struct iova_allocator *real;
static struct iova_range last; /* given out before this one */
static uint32_t calls;

static bool now(void)
{
    return ++calls % 50 == 0;
}

static int alloc_twice(struct iova_space *space, struct iova_range *range, uint32_t cpu)
{
    if (now() && last.pages >= range->pages) {
        range->at = last.at;
        return 0;
    }
    int error = real->alloc(space, range, cpu);
    if (!error)
        last = *range;
    return error;
}

static int alloc_beside(struct iova_space *space, struct iova_range *range, uint32_t cpu)
{
    int error = real->alloc(space, range, cpu);

    if (now())
        range->at.v += PAGE_SIZE;
    return error;
}

static int alloc_too_seldom(struct iova_space *space, struct iova_range *range, uint32_t cpu)
{
    return now() ? -ENOSPC : real->alloc(space, range, cpu);
}

static int alloc_with_old_entries(struct iova_space *space, struct iova_range *range, uint32_t cpu)
{
    int error = real->alloc(space, range, cpu);

    if (now())
        range->changed &= range->changed - 1;
    return error;
}

static int put_all(struct iova_space *space, struct iova_range *range, uint32_t cpu)
{
    uint64_t all = range->changed;
    int error = real->put(space, range, cpu);

    range->changed = all;
    return error;
}

static int free_nothing(struct iova_space *space, const struct iova_range *range, uint32_t cpu)
{
    return now() ? 0 : real->free(space, range, cpu);
}

static int free_anything(struct iova_space *space, const struct iova_range *range, uint32_t cpu)
{
    int error = real->free(space, range, cpu);

    return error == -EINVAL ? 0 : error;
}

static int free_too_little(struct iova_space *space, const struct iova_range *range, uint32_t cpu)
{
    struct iova_range part = *range;

    part.pages = (uint16_t)(part.pages > 1 ? part.pages / 2 : 1);
    return real->free(space, now() ? &part : range, cpu);
}

static bool holds(const struct iova_allocator *allocator)
{
    static struct iova_life life;

    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct draw source = draw_seed(seed);

        calls = 0;
        last.pages = 0;
        iova_life_start(&life, allocator, &source);
        for (uint32_t i = 0; i < 400; i++)
            if (!iova_life_step(&life))
                break;
        if (!iova_life_finish(&life))
            return false;
    }
    return true;
}

/* Each real one, with one of its functions exchanged. */
static void caught(struct iova_allocator fault)
{
    for (uint32_t i = 0; iova_names[i]; i++) {
        struct iova_allocator broken = *(real = iova_find(iova_names[i]));

        if ((fault.put && !broken.put) || (fault.free && !broken.free))
            continue; /* this one has no such fault */
        broken.alloc = fault.alloc ? fault.alloc : broken.alloc;
        broken.put = fault.put ? fault.put : broken.put;
        broken.free = fault.free ? fault.free : broken.free;
        if (holds(&broken))
            fail_msg("%s with this fault holds", broken.name);
    }
}

static void without_a_fault_they_hold(void **state)
{
    (void)state;
    for (uint32_t i = 0; iova_names[i]; i++)
        assert_true(holds(iova_find(iova_names[i])));
}

static void an_address_given_out_twice_is_caught(void **state)
{
    (void)state;
    caught((struct iova_allocator){.alloc = alloc_twice});
}

static void an_address_beside_is_caught(void **state)
{
    (void)state;
    caught((struct iova_allocator){.alloc = alloc_beside});
}

static void room_denied_is_caught(void **state)
{
    (void)state;
    caught((struct iova_allocator){.alloc = alloc_too_seldom});
}

static void an_entry_left_as_it_was_is_caught(void **state)
{
    (void)state;
    caught((struct iova_allocator){.alloc = alloc_with_old_entries});
}

static void entries_cleared_too_early_are_caught(void **state)
{
    (void)state;
    caught((struct iova_allocator){.put = put_all});
}

static void a_lost_range_is_caught(void **state)
{
    (void)state;
    caught((struct iova_allocator){.free = free_nothing});
}

static void a_wrong_free_is_caught(void **state)
{
    (void)state;
    caught((struct iova_allocator){.free = free_anything});
}

static void half_a_free_is_caught(void **state)
{
    (void)state;
    caught((struct iova_allocator){.free = free_too_little});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_fault_they_hold),
        cmocka_unit_test(an_address_given_out_twice_is_caught),
        cmocka_unit_test(an_address_beside_is_caught),
        cmocka_unit_test(room_denied_is_caught),
        cmocka_unit_test(an_entry_left_as_it_was_is_caught),
        cmocka_unit_test(entries_cleared_too_early_are_caught),
        cmocka_unit_test(a_lost_range_is_caught),
        cmocka_unit_test(a_wrong_free_is_caught),
        cmocka_unit_test(half_a_free_is_caught),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* IOVA allocators: what a life by chance does not reach, and what its reference does not know. */
#include "tests/host/unit.h"
#include <errno.h>
#include <stdlib.h>
#include "kernel/dma/iova_chunk.h"

#define BASE 0x40000000ull

static const struct iova_config plain = {
    .base = BASE, .limit = 1ull << 39, .pages = 4096, .cpus = 2};

static struct iova_space *start(const char *name, struct iova_config config)
{
    const struct iova_allocator *allocator = iova_find(name);
    size_t bytes = iova_bytes(allocator, &config);
    struct iova_space *space;
    void *memory = aligned_alloc(64, align_up(bytes, 64));

    assert_true(bytes > 0);
    memset(memory, 0xa5, bytes); /* nobody gave it zeroed */
    assert_int_equal(iova_init(allocator, &config, memory, &space), 0);
    return space;
}

static struct iova_range some(uint32_t page, uint32_t pages, uint32_t rights)
{
    return (struct iova_range){.page = page, .pages = (uint16_t)pages, .rights = (uint16_t)rights};
}

static uint64_t got(struct iova_space *space, uint32_t pages, uint32_t cpu)
{
    struct iova_range range = some(0, pages, ABI_DMA_READ);

    assert_int_equal(iova_alloc(space, &range, cpu), 0);
    return (range.at.v - BASE) / PAGE_SIZE;
}

static int given(struct iova_space *space, uint64_t first, uint32_t pages, uint32_t cpu)
{
    struct iova_range range = some(0, pages, ABI_DMA_READ);

    range.at = iova(BASE + first * PAGE_SIZE);
    return iova_free(space, &range, cpu);
}

static void names_find_their_tables(void **state)
{
    (void)state;
    for (uint32_t i = 0; iova_names[i]; i++)
        assert_string_equal(iova_find(iova_names[i])->name, iova_names[i]);
    assert_null(iova_find("buddy"));
}

static void refused(const char *name, struct iova_config config, int error)
{
    const struct iova_allocator *allocator = iova_find(name);
    struct iova_space *space;

    assert_int_equal(iova_init(allocator, &config, NULL, &space), error);
    assert_int_equal(iova_bytes(allocator, &config), 0);
}

static bool never(void *arg)
{
    (void)arg;
    return false;
}

static void impossible_spaces_are_refused(void **state)
{
    (void)state;
    for (uint32_t i = 0; iova_names[i]; i++) {
        struct iova_config c = plain;

        c.base = 0;
        refused(iova_names[i], c, -EINVAL);
        c.base = BASE + 0x800;
        refused(iova_names[i], c, -EINVAL);
        c = plain, c.pages = 0;
        refused(iova_names[i], c, -EINVAL);
        c = plain, c.pages = IOVA_SPACE_MAX;
        refused(iova_names[i], c, -EINVAL);
        c = plain, c.cpus = 0;
        refused(iova_names[i], c, -EINVAL);
        c = plain, c.cpus = IOVA_MAX_CPUS + 1;
        refused(iova_names[i], c, -EINVAL);
        c = plain, c.lock = never;
        refused(iova_names[i], c, -EINVAL);
        c = plain, c.limit = BASE + 4095 * PAGE_SIZE;
        refused(iova_names[i], c, -ERANGE);
        c = plain, c.base = -(uint64_t)PAGE_2M, c.limit = UINT64_MAX;
        refused(iova_names[i], c, -ERANGE);
    }
}

static void wrong_arguments_are_refused(void **state)
{
    (void)state;
    for (uint32_t i = 0; iova_names[i]; i++) {
        struct iova_space *space = start(iova_names[i], plain);
        struct iova_range none = some(0, 0, 1), large = some(0, 65, 1), good = some(0, 1, 1);

        assert_int_equal(iova_alloc(space, &none, 0), -EINVAL);
        assert_int_equal(iova_alloc(space, &large, 0), -EINVAL);
        assert_int_equal(iova_alloc(space, &good, 2), -EINVAL);
        assert_int_equal(iova_put(space, &none, 0), -EINVAL);
        assert_int_equal(iova_free(space, &large, 0), -EINVAL);
        assert_int_equal(iova_audit(space), 0);
        free(space);
    }
}

static void a_lock_that_is_not_to_be_had_ends_in_words(void **state)
{
    static const char *const locked[] = {"rbtree", "eiovar", "magazine"};
    struct iova_config config = plain;
    struct iova_range range = some(0, 1, 1);

    (void)state;
    config.lock = never;
    config.unlock = (void (*)(void *))abort;
    for (uint32_t i = 0; i < 3; i++) {
        struct iova_space *space = start(locked[i], config);

        assert_int_equal(iova_alloc(space, &range, 0), -ETIMEDOUT);
        assert_int_equal(iova_audit(space), 0);
        free(space);
    }
}

static void identity_keeps_rights_apart(void **state)
{
    struct iova_space *space = start("identity", plain);
    struct iova_range in = some(7, 2, ABI_DMA_WRITE), out = some(7, 2, ABI_DMA_READ),
                      both = some(7, 2, ABI_DMA_RIGHTS);

    (void)state;
    assert_int_equal(iova_alloc(space, &in, 0), 0);
    assert_int_equal(iova_alloc(space, &out, 1), 0);
    assert_int_equal(iova_alloc(space, &both, 0), 0);
    assert_int_equal(both.at.v, BASE + 7 * PAGE_SIZE);
    assert_int_equal(in.at.v, both.at.v + 0x80000000);
    assert_int_equal(out.at.v, both.at.v + 2 * 0x80000000ull);
    assert_int_equal(in.changed & out.changed & both.changed, 3);
    out.rights = ABI_DMA_WRITE; /* no way from one right's address to another's count */
    assert_int_equal(iova_put(space, &out, 0), -EINVAL);
    assert_int_equal(iova_audit(space), 6);
    free(space);
}

static void identity_needs_room_for_three_spaces(void **state)
{
    struct iova_config config = plain;

    (void)state;
    config.limit = BASE + 4096 * PAGE_SIZE + 2 * 0x80000000ull;
    free(start("identity", config));
    config.limit--;
    refused("identity", config, -ERANGE);
}

static void a_count_does_not_overflow(void **state)
{
    struct iova_space *space = start("identity", plain);
    struct iova_range one = some(5, 1, ABI_DMA_READ), three = some(3, 3, ABI_DMA_READ);

    (void)state;
    for (uint32_t i = 0; i < UINT16_MAX; i++)
        assert_int_equal(iova_alloc(space, &one, 0), 0);
    assert_int_equal(iova_alloc(space, &one, 0), -EOVERFLOW);
    assert_int_equal(iova_alloc(space, &three, 0), -EOVERFLOW);
    assert_int_equal(iova_audit(space), UINT16_MAX);
    assert_int_equal(iova_put(space, &one, 0), 0);
    assert_int_equal(one.changed, 0);
    assert_int_equal(iova_alloc(space, &three, 0), 0);
    assert_int_equal(three.changed, 3);
    free(space);
}

static void eiovar_reuses_the_last_of_a_size(void **state)
{
    struct iova_space *space = start("eiovar", plain);
    uint64_t a = got(space, 3, 0), b = got(space, 3, 0), c = got(space, 4, 0);

    (void)state;
    assert_int_equal(given(space, a, 3, 0), 0);
    assert_int_equal(given(space, c, 4, 0), 0);
    assert_int_equal(given(space, b, 3, 0), 0);
    assert_int_equal(given(space, b, 3, 0), -EINVAL);
    assert_int_equal(got(space, 3, 0), b);
    assert_int_equal(got(space, 4, 0), c);
    assert_int_equal(got(space, 3, 0), a);
    free(space);
}

/* More than the lists keep, strewn over the whole space, and then a size that none of them has. */
static void eiovar_gives_up_what_it_keeps(void **state)
{
    struct iova_config config = plain;
    struct iova_space *space;

    (void)state;
    config.pages = 3 * 4096;
    space = start("eiovar", config);
    for (uint32_t i = 0; i < 3 * 4096; i++)
        got(space, 1, 0);
    for (uint32_t i = 0; i < 3 * 4096; i++) {
        assert_int_equal(given(space, i * 67 % (3 * 4096), 1, 0), 0);
        if (i % 1000 == 0)
            assert_int_equal(iova_audit(space), 3 * 4096 - 1 - i);
    }
    for (uint32_t i = 0; i < 3 * 64; i++)
        got(space, 64, 0);
    assert_int_equal(iova_audit(space), 3 * 4096);
    free(space);
}

static void nothing(void *arg)
{
    (void)arg;
}

static bool always(void *arg)
{
    (void)arg;
    return true;
}

/* What one CPU keeps is out of the other's reach until it is asked and comes by. */
static void what_a_cpu_keeps_comes_back(const char *name)
{
    struct iova_config config = plain;
    struct iova_range range = some(0, 64, 1);
    struct iova_space *space;
    uint64_t first;

    config.pages = 64;
    config.lock = always;
    config.unlock = nothing;
    space = start(name, config);
    first = got(space, 1, 0);
    assert_int_equal(given(space, first, 1, 0), 0);
    assert_int_equal(iova_alloc(space, &range, 1), -ENOSPC);
    first = got(space, 1, 0);
    assert_int_equal(iova_alloc(space, &range, 1), -ENOSPC);
    assert_int_equal(given(space, first, 1, 0), 0); /* comes by, and gives up all */
    assert_int_equal(iova_alloc(space, &range, 1), 0);
    free(space);
}

static void the_caches_of_others_are_asked_for(void **state)
{
    (void)state;
    what_a_cpu_keeps_comes_back("magazine");
    what_a_cpu_keeps_comes_back("sizeclass");
}

/* One CPU frees, here and there, all that the other allocated: more than its magazines and the
 * depot hold, so that the next size finds room only when all of them give up theirs. */
static void a_flood_goes_through_the_depot(void **state)
{
    (void)state;
    for (uint32_t i = 0; iova_names[i]; i++) {
        struct iova_space *space = start(iova_names[i], plain);

        for (uint32_t pages = 1; pages <= 64 && i > 0; pages *= 2) {
            for (uint32_t n = 0; n < 4096 / pages; n++)
                got(space, pages, 0);
            assert_int_equal(iova_audit(space), 4096);
            for (uint32_t n = 0; n < 4096 / pages; n++)
                assert_int_equal(given(space, n * 67 % (4096 / pages) * pages, pages, 1), 0);
            assert_int_equal(iova_audit(space), 0);
        }
        free(space);
    }
}

/* A CPU that only allocates and one that only frees: the depot carries what the second gives up. */
static void ranges_go_round_between_cpus(void **state)
{
    static const char *const names[] = {"magazine", "sizeclass"};

    (void)state;
    for (uint32_t n = 0; n < 2; n++) {
        struct iova_space *space = start(names[n], plain);

        for (uint32_t i = 0; i < 20 * 4096; i++)
            assert_int_equal(given(space, got(space, 1, 0), 1, 1), 0);
        assert_int_equal(iova_audit(space), 0);
        free(space);
    }
}

/* Another CPU may have seen the pool at any of these moments: none looks like another. */
static void a_chunk_that_came_back_is_seen(void **state)
{
    struct chunk chunks[2] = {0};
    struct chunk_pool pool;
    uint64_t before;

    (void)state;
    chunk_pool_init(&pool, chunks, 2);
    before = pool.head;
    assert_int_equal(chunk_pop(&pool), 0);
    assert_int_equal(chunk_pop(&pool), 1);
    assert_int_equal(chunk_pop(&pool), CHUNK_NONE);
    chunk_push(&pool, 0);
    assert_int_equal((uint32_t)pool.head, (uint32_t)before);
    assert_true(pool.head != before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_find_their_tables),
        cmocka_unit_test(impossible_spaces_are_refused),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(a_lock_that_is_not_to_be_had_ends_in_words),
        cmocka_unit_test(identity_keeps_rights_apart),
        cmocka_unit_test(identity_needs_room_for_three_spaces),
        cmocka_unit_test(a_count_does_not_overflow),
        cmocka_unit_test(eiovar_reuses_the_last_of_a_size),
        cmocka_unit_test(eiovar_gives_up_what_it_keeps),
        cmocka_unit_test(the_caches_of_others_are_asked_for),
        cmocka_unit_test(a_flood_goes_through_the_depot),
        cmocka_unit_test(ranges_go_round_between_cpus),
        cmocka_unit_test(a_chunk_that_came_back_is_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

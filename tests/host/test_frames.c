/* SPDX-License-Identifier: MIT */
/* The page-frame allocator over a boot map of its own, below 4 GiB as a machine's: against a plain
 * list of who owns which frame. */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include "tests/host/random.h"
#include "tests/host/unit.h"

/* Where linker.ld would have put the image. */
#define KERNEL_LAYOUT_H
#define RAM_BASE    0x40000000ull
#define RAM_BYTES   (16ull << 20)
#define image_start ((const char *)(RAM_BASE + 0x100000))
#define image_end   ((const char *)(RAM_BASE + 0x180800))
#include "kernel/frames.c"

#define MODULE (RAM_BASE + 0x200000)
#define HOLE   (RAM_BASE + 0x800000)
#define SLOTS  256
#define STEPS  20000

static char panic_text[256];
static bool panic_expected;

noreturn void panic(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(panic_text, sizeof(panic_text), format, args);
    va_end(args);
    if (panic_expected)
        mock_assert(0, panic_text, __FILE__, __LINE__);
    fail_msg("panic: %s", panic_text);
    abort();
}

void log_line(enum log_level level, const char *module, const char *format, ...)
{
    (void)level, (void)module, (void)format;
}

uint64_t deadline_us(uint64_t us)
{
    return us;
}

bool deadline_passed(uint64_t end)
{
    (void)end;
    return true;
}

static struct boot_info boot = {
    .ranges = 4,
    .modules = 1,
    .range = {{{0}, 640 * 1024, BOOT_RAM},
              {{RAM_BASE + 8}, RAM_BYTES - 16, BOOT_RAM}, /* not on page boundaries */
              {{HOLE + 100}, 200, BOOT_RESERVED},         /* inside the RAM */
              {{0xfffffffffffff000ull}, 0x1000, BOOT_RESERVED}},
    .module = {{.base = {MODULE}, .bytes = 5000}},
};

static int start(void **unused)
{
    static bool mapped;

    (void)unused;
    if (!mapped)
        mapped = mmap((void *)RAM_BASE, RAM_BYTES, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == (void *)RAM_BASE;
    free_count = total_count = 0;
    return mapped ? mem_init(&boot) : -ENOMEM;
}

/* What a device or a guest must never be given. */
static void keeps_what_is_taken(void **unused)
{
    (void)unused;
    assert_int_equal(frames_free(), RAM_BYTES / PAGE_SIZE - 2 - 0x81 - 2 - 1 -
                                        align_up(frames, PAGE_SIZE) / PAGE_SIZE);
    assert_true(frame_is_hypervisor(hpa((uint64_t)image_start)));
    assert_true(frame_is_hypervisor(hpa((uint64_t)image_end)));
    assert_true(frame_is_hypervisor(hpa(MODULE + 4096)));
    assert_true(frame_is_hypervisor(hpa(0x1000)));
    assert_false(frame_is_hypervisor(hpa(RAM_BASE)));
    assert_false(frame_is_hypervisor(hpa(HOLE)));
    assert_false(frame_is_hypervisor(hpa(1ull << 50)));
    for (hpa_t f = frame_alloc(); f.v != 0; f = frame_alloc()) {
        assert_false(f.v >= (uint64_t)image_start && f.v < (uint64_t)image_end);
        assert_false(f.v >= MODULE && f.v < MODULE + 5000);
        assert_true(f.v != HOLE && f.v > RAM_BASE && f.v < RAM_BASE + RAM_BYTES - PAGE_SIZE);
    }
    assert_int_equal(frames_free(), 0);
    assert_int_equal(frame_alloc_run(2, PAGE_SIZE).v, 0);
}

struct run {
    hpa_t base;
    uint64_t count;
};

static void check_new(struct run r, uint64_t align, uint64_t mark)
{
    assert_true(is_aligned(r.base.v, align));
    for (uint64_t *word = (uint64_t *)r.base.v; word < (uint64_t *)(r.base.v + r.count * PAGE_SIZE);
         word += PAGE_SIZE / sizeof(*word)) {
        assert_int_equal(word[0], 0);
        assert_int_equal(word[PAGE_SIZE / sizeof(*word) - 1], 0);
        word[0] = word[PAGE_SIZE / sizeof(*word) - 1] = mark;
    }
}

static void check_kept(struct run r, uint64_t mark)
{
    for (uint64_t i = 0; i < r.count; i++)
        assert_int_equal(*(uint64_t *)(r.base.v + i * PAGE_SIZE), mark);
}

static void any_order(void **unused)
{
    static struct run slot[SLOTS];
    uint64_t seed = 7, at_start = frames_free();

    (void)unused;
    for (int step = 0; step < STEPS; step++) {
        uint32_t i = random_below(&seed, SLOTS);
        uint64_t align = PAGE_SIZE << (random_chance(&seed, 4) ? random_below(&seed, 6) : 0);
        struct run *r = &slot[i];

        if (r->count != 0) {
            check_kept(*r, i + 1);
            frame_free_run(r->base, r->count);
            r->count = 0;
            continue;
        }
        r->count = random_chance(&seed, 3) ? random_below(&seed, 64) + 1 : 1;
        r->base = frame_alloc_run(r->count, align);
        if (r->base.v == 0)
            r->count = 0;
        else
            check_new(*r, align, i + 1);
    }
    for (uint32_t i = 0; i < SLOTS; i++)
        frame_free_run(slot[i].base, slot[i].count);
    assert_int_equal(frames_free(), at_start);
}

static void wrong_changes_panic(void **unused)
{
    const hpa_t f = frame_alloc(), g = frame_alloc();

    (void)unused;
    frame_free(f);
    panic_expected = true;
    expect_assert_failure(frame_free(f));
    assert_says(panic_text, "free already");
    lock.held = false;
    expect_assert_failure(frame_free(hpa(MODULE)));
    assert_says(panic_text, "reserved");
    lock.held = false;
    frame_give_guest(g, 1, true);
    assert_false(frame_is_hypervisor(g));
    expect_assert_failure(frame_free(g));
    assert_says(panic_text, "the guest's");
    lock.held = false;
    frame_quarantine_run(g, 1);
    assert_true(frame_is_hypervisor(g));
    expect_assert_failure(frame_give_guest(g, 1, false));
    assert_says(panic_text, "quarantined");
    lock.held = false;
    panic_expected = false;
    for (hpa_t next = frame_alloc(); next.v != 0; next = frame_alloc())
        assert_true(next.v != g.v);
}

static void no_room(void **unused)
{
    static struct boot_info small;

    (void)unused;
    assert_int_equal(mem_init(&small), -ENOMEM);
    small = boot;
    small.module[0] = (struct boot_module){.base = {RAM_BASE}, .bytes = RAM_BYTES};
    assert_int_equal(mem_init(&small), -ENOMEM);
    small = boot;
    small.range[2] = (struct boot_range){{RAM_BASE}, RAM_BYTES, BOOT_RESERVED};
    assert_int_equal(mem_init(&small), -ENOMEM);
}

static void low_page(void **unused)
{
    static struct boot_info low;

    (void)unused;
    assert_int_equal(frames_low_page().v, 0x9f000);
    low = boot;
    low.module[0] = (struct boot_module){.base = {0x8000}, .bytes = 0x98000};
    assert_int_equal(mem_init(&low), 0);
    assert_int_equal(frames_low_page().v, 0x7000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(keeps_what_is_taken, start),
        cmocka_unit_test_setup(any_order, start),
        cmocka_unit_test_setup(wrong_changes_panic, start),
        cmocka_unit_test_setup(no_room, start),
        cmocka_unit_test_setup(low_page, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

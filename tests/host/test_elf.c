/* SPDX-License-Identifier: MIT */
#include "kernel/elf.h"

#include <errno.h>
#include <stdio.h>
#include "tests/host/elves.h"
#include "tests/host/random.h"
#include "tests/host/unit.h"
#include "tests/host/valid.h"

static uint8_t image[ELF_BYTES];
static struct elf_image out;
static const char *why;

static int check_bytes(const void *data, uint64_t bytes, uint64_t limit)
{
    void *exact = exact_copy(data, bytes);
    int bad = elf_check(exact, bytes, limit, &out, &why);

    free(exact);
    return bad;
}

static int check(void)
{
    return check_bytes(image, sizeof image, ELF_LIMIT);
}

static void refused(const char *words)
{
    assert_int_equal(check(), -ENOEXEC);
    assert_says(why, words);
}

/* Puts value there, sees it refused in these words, and puts the image right again. */
static void spoilt(uint32_t at, uint64_t value, unsigned bytes, const char *words)
{
    elf_build(image);
    elf_put(image, at, value, bytes);
    refused(words);
    elf_build(image);
}

static void good(void **state)
{
    (void)state;
    elf_build(image);
    assert_int_equal(check(), 0);
    assert_int_equal(out.segments, 3);
    assert_int_equal(out.entry, 0x1010);
    assert_int_equal(out.memory_bytes, ELF_MEMORY);
    assert_int_equal(out.segment[2].file_offset, 0x2080);
    assert_int_equal(out.segment[2].file_bytes, 0x100);
    assert_int_equal(out.segment[2].address, 0x3080);
    assert_int_equal(out.segment[2].memory_bytes, 0x2100);
    assert_int_equal(out.segment[1].flags, 5);
}

static void from_the_linker(void **state)
{
    static uint8_t file[1 << 20];
    FILE *f = fopen(TINY_ELF, "rb");
    size_t bytes;

    (void)state;
    assert_non_null(f);
    bytes = fread(file, 1, sizeof file, f);
    fclose(f);
    assert_int_equal(check_bytes(file, bytes, ELF_LIMIT), 0);
    assert_in_range(out.segments, 2, 6);
    assert_true(out.memory_bytes >= 8192);
    for (uint64_t cut = 0; cut < bytes && cut < 0x1000; cut++)
        assert_int_equal(check_bytes(file, cut, ELF_LIMIT), -ENOEXEC);
}

/* This very program: a PIE, but one that wants a loader and libraries. */
static void a_hosted_program_is_refused(void **state)
{
    static uint8_t file[1 << 16];
    FILE *f = fopen("/proc/self/exe", "rb");

    (void)state;
    assert_non_null(f);
    assert_int_equal(fread(file, 1, sizeof file, f), sizeof file);
    fclose(f);
    assert_int_equal(check_bytes(file, sizeof file, 1ull << 40), -ENOEXEC);
    assert_says(why, "dynamic loader");
}

static void header_fields(void **state)
{
    (void)state;
    spoilt(0, 'M', 1, "not an ELF");
    spoilt(3, 'f', 1, "not an ELF");
    spoilt(4, 1, 1, "not a 64-bit");
    spoilt(5, 2, 1, "little-endian");
    spoilt(6, 0, 1, "version");
    spoilt(20, 2, 4, "version");
    spoilt(16, 2, 2, "position-independent");
    spoilt(16, 1, 2, "position-independent");
    spoilt(18, 3, 2, "x86-64");
    spoilt(52, 52, 2, "header sizes");
    spoilt(54, 64, 2, "header sizes");
    spoilt(56, 0, 2, "no program header");
    spoilt(56, 65, 2, "more than 64");
    spoilt(32, ELF_BYTES - 5 * 56 + 1, 8, "headers lie outside");
    spoilt(32, UINT64_MAX, 8, "headers lie outside");
    spoilt(32, UINT64_MAX - 100, 8, "headers lie outside");
}

static void segments(void **state)
{
    uint32_t at = elf_phdr_at(2);

    (void)state;
    spoilt(at + 8, ELF_BYTES - 0x100 + 1, 8, "outside the file");
    spoilt(at + 8, UINT64_MAX - 0xff, 8, "outside the file");
    spoilt(at + 32, UINT64_MAX, 8, "outside the file");
    spoilt(at + 40, 0xff, 8, "larger in the file");
    spoilt(at + 40, ELF_LIMIT - 0x3080 + 1, 8, "guest's memory");
    spoilt(at + 40, UINT64_MAX, 8, "guest's memory");
    spoilt(at + 16, UINT64_MAX - 0xf7f, 8, "guest's memory");
    spoilt(at + 48, 3, 8, "power of two");
    spoilt(at + 48, 0x200000, 8, "power of two");
    spoilt(at + 16, 0x3081, 8, "disagree");
    spoilt(at + 16, 0x1080, 8, "overlap");
    spoilt(at + 16, 0x0080, 8, "overlap");
}

/* Two segments that touch do not overlap; one byte more and they do. */
static void segments_may_touch(void **state)
{
    (void)state;
    elf_build(image);
    elf_put(image, elf_phdr_at(1) + 40, 0x2080, 8);
    assert_int_equal(check(), 0);
    elf_put(image, elf_phdr_at(1) + 40, 0x2081, 8);
    refused("overlap");
}

static void empty_segments_take_no_room(void **state)
{
    (void)state;
    elf_build(image);
    elf_put(image, elf_phdr_at(2) + 32, 0, 8);
    elf_put(image, elf_phdr_at(2) + 40, 0, 8);
    assert_int_equal(check(), 0);
    assert_int_equal(out.segments, 2);
    assert_int_equal(out.memory_bytes, 0x2000);
}

static void too_many_segments(void **state)
{
    (void)state;
    elf_build(image);
    elf_put(image, 56, 5 + 13, 2);
    for (uint32_t i = 0; i < 13; i++)
        elf_phdr(image, 5 + i, 1, 4, 0, 0x10000 + 0x1000 * i, 8, 8);
    assert_int_equal(check(), 0);
    assert_int_equal(out.segments, ELF_MAX_SEGMENTS);
    elf_put(image, 56, 5 + 14, 2);
    elf_phdr(image, 5 + 13, 1, 4, 0, 0x30000, 8, 8);
    refused("more than 16");
}

static void needs_others(void **state)
{
    (void)state;
    spoilt(0x20d0, 1, 8, "shared library");
    spoilt(elf_phdr_at(4), 3, 4, "dynamic loader");
    spoilt(elf_phdr_at(3) + 8, ELF_BYTES - 0x2f, 8, "dynamic section lies outside");
    spoilt(elf_phdr_at(3) + 32, UINT64_MAX, 8, "dynamic section lies outside");
    /* Behind the end mark nothing counts. */
    elf_put(image, 0x20c0, 0, 8);
    elf_put(image, 0x20d0, 1, 8);
    assert_int_equal(check(), 0);
}

static void entry_points(void **state)
{
    static const uint64_t wrong[] = {0, 0xfff, 0x1234, 0x3080, 0x5000, UINT64_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        spoilt(24, wrong[i], 8, "entry point");
    elf_put(image, 24, 0x1233, 8);
    assert_int_equal(check(), 0);
    /* Zeroes behind the file's bytes are no program. */
    elf_put(image, elf_phdr_at(1) + 40, 0x1000, 8);
    assert_int_equal(check(), 0);
    elf_put(image, 24, 0x1234, 8);
    refused("entry point");
}

static void limits(void **state)
{
    (void)state;
    elf_build(image);
    assert_int_equal(check_bytes(image, sizeof image, ELF_MEMORY), 0);
    assert_int_equal(check_bytes(image, sizeof image, ELF_MEMORY - 1), -ENOEXEC);
    assert_says(why, "guest's memory");
    assert_int_equal(check_bytes(image, sizeof image, 0), -ENOEXEC);
}

static void any_length(void **state)
{
    (void)state;
    elf_build(image);
    for (uint64_t bytes = 0; bytes < sizeof image; bytes++)
        assert_int_equal(check_bytes(image, bytes, ELF_LIMIT), -ENOEXEC);
}

/* Each byte of the headers, in turn, as each value that it could have. */
static void each_byte(void **state)
{
    (void)state;
    elf_build(image);
    for (uint32_t at = 0; at < elf_phdr_at(ELF_PHDRS); at++) {
        uint8_t old = image[at];

        for (unsigned value = 0; value < 256; value++) {
            image[at] = (uint8_t)value;
            if (elf_check(image, sizeof image, ELF_LIMIT, &out, &why) == 0)
                assert_true(elf_is_valid(&out, sizeof image, ELF_LIMIT));
            else
                assert_true(why[0] != 0);
        }
        image[at] = old;
    }
}

static void any_damage(void **state)
{
    static const uint64_t numbers[] = {
        0,         1,         0xfff,      0x1000,     0x2080,
        ELF_BYTES, ELF_LIMIT, 1ull << 32, 1ull << 63, UINT64_MAX - 0xfff,
        UINT64_MAX};
    uint64_t seed = 19;
    int accepted = 0;

    (void)state;
    for (int round = 0; round < 60000; round++) {
        uint64_t bytes = sizeof image,
                 limit = random_chance(&seed, 4) ? numbers[random_below(&seed, 11)] : ELF_LIMIT;

        elf_build(image);
        for (uint32_t n = 1 + random_below(&seed, 3); n > 0; n--) {
            uint32_t field = 8 * random_below(&seed, elf_phdr_at(ELF_PHDRS) / 8);

            if (random_chance(&seed, 2))
                elf_put(image, field, numbers[random_below(&seed, 11)] + random_below(&seed, 3) - 1,
                        8);
            else
                image[field] = random_damage(&seed, image[field]);
        }
        if (random_chance(&seed, 8))
            bytes = random_below(&seed, ELF_BYTES);
        if (check_bytes(image, bytes, limit) != 0)
            continue;
        accepted++;
        assert_true(elf_is_valid(&out, bytes, limit));
    }
    assert_true(accepted > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good),
        cmocka_unit_test(from_the_linker),
        cmocka_unit_test(a_hosted_program_is_refused),
        cmocka_unit_test(header_fields),
        cmocka_unit_test(segments),
        cmocka_unit_test(segments_may_touch),
        cmocka_unit_test(empty_segments_take_no_room),
        cmocka_unit_test(too_many_segments),
        cmocka_unit_test(needs_others),
        cmocka_unit_test(entry_points),
        cmocka_unit_test(limits),
        cmocka_unit_test(any_length),
        cmocka_unit_test(each_byte),
        cmocka_unit_test(any_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

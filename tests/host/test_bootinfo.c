/* SPDX-License-Identifier: MIT */
/* The loader's structures end before a page that cannot be read: one byte too many is a fault. */
#include "kernel/bootinfo.h"

#include <errno.h>
#include "tests/host/low_memory.h"
#include "tests/host/multiboot.h"
#include "tests/host/random.h"
#include "tests/host/unit.h"

#define MULTIBOOT1 0x2badb002u
#define MULTIBOOT2 0x36d76289u

static struct table t;
static struct boot_info info;

/* Puts t before the guard page, 8-aligned, and reads it. */
static int read2(void)
{
    uint8_t *at = low_memory_end() - align_up(t.bytes, 8);

    memcpy(at, t.data, align_up(t.bytes, 8));
    return boot_info_read(MULTIBOOT2, (uint32_t)(uintptr_t)at, &info);
}

static void grub(void **state)
{
    const uint8_t *rsdp;

    (void)state;
    mb2_grub(&t);
    assert_int_equal(read2(), 0);
    assert_string_equal(info.loader, "multiboot2");
    assert_string_equal(info.cmdline, "work=idle nic=auto");
    assert_int_equal(info.modules, 1);
    assert_true(info.module[0].base.v == 0x200000 && info.module[0].bytes == 0x80000);
    assert_string_equal(info.module[0].name, "guest.elf first");
    assert_int_equal(info.ranges, 5);
    assert_true(info.range[2].base.v == 0x100000 && info.range[2].bytes == 0x1fee0000);
    assert_int_equal(info.range[2].type, BOOT_RAM);
    assert_int_equal(info.range[3].type, BOOT_ACPI_RECLAIM);
    assert_int_equal(info.range[4].type, BOOT_RESERVED); /* a type to come */
    rsdp = (const uint8_t *)(uintptr_t)info.rsdp.v;
    assert_int_equal(table_sum(rsdp, 36), 0);
    assert_int_equal(rsdp[15], 2); /* the later revision */
}

static void unknown_loader(void **state)
{
    (void)state;
    assert_int_equal(boot_info_read(0x12345678, 0, &info), -EINVAL);
    assert_string_equal(info.cmdline, "");
    assert_int_equal(info.ranges + info.modules, 0);
}

/* What does not fit is cut, said, and the rest is there: the command line says where errors go. */
static void too_much(void **state)
{
    char line[BOOT_CMDLINE_BYTES + 1];
    uint32_t at;

    (void)state;
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = 0;
    mb2_begin(&t);
    mb2_tag(&t, 1, line, sizeof line);
    mb2_module(&t, 0x1000, 0x2000, "one");
    mb2_end(&t);
    assert_int_equal(read2(), -E2BIG);
    assert_int_equal(strlen(info.cmdline), BOOT_CMDLINE_BYTES - 1);
    assert_int_equal(info.modules, 1);
    mb2_begin(&t);
    for (uint32_t i = 0; i < BOOT_MAX_MODULES + 1; i++)
        mb2_module(&t, 0x1000 * i, 0x1000 * (i + 1), "");
    mb2_tag(&t, 1, "nic", 4);
    mb2_end(&t);
    assert_int_equal(read2(), -E2BIG);
    assert_int_equal(info.modules, BOOT_MAX_MODULES);
    assert_string_equal(info.cmdline, "nic");
    mb2_begin(&t);
    at = mb2_map(&t, 24);
    for (uint32_t i = 0; i < BOOT_MAX_RANGES + 1; i++)
        mb2_range(&t, 0x1000ull * i, 0x1000, 1);
    mb2_map_end(&t, at);
    mb2_end(&t);
    assert_int_equal(read2(), -E2BIG);
    assert_int_equal(info.ranges, BOOT_MAX_RANGES);
}

static void odd_ranges(void **state)
{
    uint32_t at;

    (void)state;
    mb2_begin(&t);
    at = mb2_map(&t, 24);
    mb2_range(&t, 0x1000, 0, 1);
    mb2_range(&t, UINT64_MAX - 0xfff, UINT64_MAX, 2);
    mb2_map_end(&t, at);
    mb2_end(&t);
    assert_int_equal(read2(), 0);
    assert_int_equal(info.ranges, 1);
    assert_true(info.range[0].base.v + info.range[0].bytes >= info.range[0].base.v);
}

static void broken_tags(void **state)
{
    static const struct {
        uint32_t at, value;
    } broken[] = {{12, 0}, {12, 7}, {12, 0xffffffff}, {12, 0x1000}, {0, 0}, {0, 12}};

    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        mb2_grub(&t);
        table_set(&t, broken[i].at, broken[i].value, 4);
        assert_int_equal(read2(), -EBADMSG);
    }
    mb2_begin(&t);
    mb2_map_end(&t, mb2_map(&t, 20)); /* entries shorter than the specification's */
    mb2_end(&t);
    assert_int_equal(read2(), -EBADMSG);
}

static void check(void)
{
    assert_true(info.ranges <= BOOT_MAX_RANGES && info.modules <= BOOT_MAX_MODULES);
    assert_non_null(memchr(info.cmdline, 0, sizeof info.cmdline));
    for (uint32_t i = 0; i < info.modules; i++)
        assert_non_null(memchr(info.module[i].name, 0, sizeof info.module[i].name));
}

static void any_damage(void **state)
{
    uint64_t seed = 47;

    (void)state;
    for (int round = 0; round < 40000; round++) {
        mb2_grub(&t);
        for (uint32_t n = 1 + random_below(&seed, 4); n > 0; n--) {
            uint8_t *byte = &t.data[8 + random_below(&seed, t.bytes - 8)];

            *byte = random_damage(&seed, *byte);
        }
        if (random_chance(&seed, 4))
            t.bytes = 8 + random_below(&seed, t.bytes - 8);
        table_set(&t, 0, t.bytes, 4);
        (void)read2();
        check();
    }
}

/* Multiboot1 is pointers: its parts are put side by side before the guard page. */
struct mb1 {
    uint32_t info[30], module[2][4];
    uint8_t map[2][24];
    char loader[12], line[64], name[8];
};

static struct mb1 *begin1(const char *loader, const char *line)
{
    struct mb1 *m = (void *)(low_memory_end() - sizeof(struct mb1));

    memset(m, 0, sizeof *m);
    m->info[0] = 1u << 2 | 1u << 3 | 1u << 6 | 1u << 9;
    m->info[4] = (uint32_t)(uintptr_t)m->line;
    m->info[5] = 1;
    m->info[6] = (uint32_t)(uintptr_t)m->module;
    m->info[11] = sizeof m->map;
    m->info[12] = (uint32_t)(uintptr_t)m->map;
    m->info[16] = (uint32_t)(uintptr_t)m->loader;
    strcpy(m->loader, loader);
    strcpy(m->line, line);
    strcpy(m->name, "guest");
    for (int i = 0; i < 2; i++) {
        struct table r = {.bytes = 0};

        m->module[i][0] = 0x200000;
        m->module[i][1] = 0x201234;
        m->module[i][2] = (uint32_t)(uintptr_t)m->name;
        table_put(&r, 20, 4);
        table_put(&r, i ? 0x100000000 : 0x100000, 8);
        table_put(&r, 0x1000000, 8);
        table_put(&r, 1, 4);
        memcpy(m->map[i], r.data, 24);
    }
    return m;
}

static int read1(struct mb1 *m)
{
    return boot_info_read(MULTIBOOT1, (uint32_t)(uintptr_t)m, &info);
}

static void multiboot1(void **state)
{
    (void)state;
    assert_int_equal(read1(begin1("qemu", "/x/sluice.elf32 work=idle  nic")), 0);
    assert_string_equal(info.loader, "multiboot1");
    assert_string_equal(info.cmdline, "work=idle  nic");
    assert_int_equal(info.modules, 1);
    assert_true(info.module[0].base.v == 0x200000 && info.module[0].bytes == 0x1234);
    assert_string_equal(info.module[0].name, "guest");
    assert_int_equal(info.ranges, 2);
    assert_true(info.range[1].base.v == 0x100000000 && info.range[1].bytes == 0x1000000);
    assert_true(info.rsdp.v == 0);
}

/* GRUB 2 leaves the image's name out, the others put it first. */
static void image_names(void **state)
{
    (void)state;
    assert_int_equal(read1(begin1("GRUB 2.06", "work=idle nic")), 0);
    assert_string_equal(info.cmdline, "work=idle nic");
    assert_int_equal(read1(begin1("iPXE", "sluice.elf32")), 0);
    assert_string_equal(info.cmdline, "");
    assert_int_equal(read1(begin1("iPXE", "")), 0);
    assert_string_equal(info.cmdline, "");
}

static void multiboot1_flags(void **state)
{
    struct mb1 *m = begin1("qemu", "x nic");

    (void)state;
    m->info[0] = 0;
    m->info[4] = m->info[6] = m->info[12] = m->info[16] = 0xfffffff0;
    assert_int_equal(read1(m), 0);
    assert_int_equal(info.ranges + info.modules, 0);
    assert_string_equal(info.cmdline, "");
}

static void multiboot1_damage(void **state)
{
    static const uint32_t sizes[] = {0, 19, 1000, 0xffffffff};
    struct mb1 *m;

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        m = begin1("qemu", "x nic");
        memcpy(m->map[1], &sizes[i], 4);
        assert_int_equal(read1(m), -EBADMSG);
        assert_int_equal(info.ranges, 1);
        assert_string_equal(info.cmdline, "nic");
    }
    m = begin1("qemu", "x nic");
    m->info[11] = 0xffffffff;
    assert_int_equal(read1(m), -EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grub),
        cmocka_unit_test(unknown_loader),
        cmocka_unit_test(too_much),
        cmocka_unit_test(odd_ranges),
        cmocka_unit_test(broken_tags),
        cmocka_unit_test(any_damage),
        cmocka_unit_test(multiboot1),
        cmocka_unit_test(image_names),
        cmocka_unit_test(multiboot1_flags),
        cmocka_unit_test(multiboot1_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Multiboot Specification 0.6.96 section 3.3 and Multiboot2 Specification 2.0 section 3.6. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "kernel/bootinfo.h"

#define MULTIBOOT1_MAGIC 0x2badb002u
#define MULTIBOOT2_MAGIC 0x36d76289u

#define MB1_CMDLINE (1u << 2)
#define MB1_MODULES (1u << 3)
#define MB1_MMAP    (1u << 6)
#define MB1_LOADER  (1u << 9)

struct mb1_info {
    uint32_t flags, lower, upper, device;
    uint32_t cmdline;
    uint32_t modules_count, modules;
    uint32_t symbols[4];
    uint32_t mmap_bytes, mmap;
    uint32_t drives_bytes, drives, config;
    uint32_t loader;
};

struct mb1_module {
    uint32_t start, end, text, reserved;
};

struct mb1_range {
    uint32_t size; /* of what follows */
    uint64_t base, bytes;
    uint32_t type;
} __attribute__((packed));

enum mb2_tag_type {
    MB2_END = 0,
    MB2_CMDLINE = 1,
    MB2_MODULE = 3,
    MB2_MMAP = 6,
    MB2_EFI64 = 12,
    MB2_RSDP_V1 = 14,
    MB2_RSDP_V2 = 15
};

struct mb2_tag {
    uint32_t type, size; /* with this header */
};

struct mb2_module {
    struct mb2_tag tag;
    uint32_t start, end;
    char text[];
};

struct mb2_mmap {
    struct mb2_tag tag;
    uint32_t entry_bytes, entry_version;
};

struct mb2_range {
    uint64_t base, bytes;
    uint32_t type, zero;
};

#define RSDP_BYTES 36u

/* The loader's copy lies in memory that will be handed out. */
static uint8_t rsdp_copy[RSDP_BYTES] __attribute__((aligned(16)));

/* Loader structures are unaligned at worst, and always below 4 GiB. */
static const void *low(uint32_t address)
{
    return (const void *)(uintptr_t)address;
}

static int copy_text(char *to, size_t size, const char *from, size_t limit)
{
    size_t n = strnlen(from, limit < size ? limit : size);
    int bad = n == size ? -E2BIG : 0;

    if (bad != 0)
        n = size - 1;
    memcpy(to, from, n);
    to[n] = 0;
    return bad;
}

static int add_range(struct boot_info *out, uint64_t base, uint64_t bytes, uint32_t type)
{
    struct boot_range *r = &out->range[out->ranges];

    if (bytes == 0)
        return 0;
    if (out->ranges == BOOT_MAX_RANGES)
        return -E2BIG;
    if (bytes > UINT64_MAX - base)
        bytes = UINT64_MAX - base;
    *r = (struct boot_range){hpa(base), bytes, BOOT_RESERVED};
    if (type >= BOOT_RAM && type <= BOOT_BAD)
        r->type = (enum boot_memory)type;
    out->ranges++;
    return 0;
}

static int add_module(struct boot_info *out, uint32_t start, uint32_t end, const char *text,
                      size_t limit)
{
    struct boot_module *m = &out->module[out->modules];

    if (out->modules == BOOT_MAX_MODULES)
        return -E2BIG;
    m->base = hpa(start);
    m->bytes = end > start ? end - start : 0;
    copy_text(m->name, sizeof(m->name), text, limit);
    out->modules++;
    return 0;
}

/* QEMU, iPXE and GRUB 0.97 put the image's own name before its arguments, GRUB 2 does not. */
static bool has_image_name(const struct mb1_info *info)
{
    return (info->flags & MB1_LOADER) == 0 || info->loader == 0 ||
           strncmp(low(info->loader), "GRUB 2", 6) != 0;
}

static int read_cmdline1(const struct mb1_info *info, struct boot_info *out)
{
    const char *text = low(info->cmdline);

    if ((info->flags & MB1_CMDLINE) == 0 || info->cmdline == 0)
        return 0;
    if (has_image_name(info)) {
        while (*text != 0 && *text != ' ')
            text++;
        while (*text == ' ')
            text++;
    }
    return copy_text(out->cmdline, sizeof(out->cmdline), text, SIZE_MAX);
}

static int read_modules1(const struct mb1_info *info, struct boot_info *out)
{
    const struct mb1_module *m = low(info->modules);
    int bad = 0;

    if ((info->flags & MB1_MODULES) == 0)
        return 0;
    for (uint32_t i = 0; i < info->modules_count && bad == 0; i++) {
        const char *text = m[i].text != 0 ? low(m[i].text) : "";

        bad = add_module(out, m[i].start, m[i].end, text, SIZE_MAX);
    }
    return bad;
}

static int read_map1(const struct mb1_info *info, struct boot_info *out)
{
    uint64_t at = info->mmap, end = at + info->mmap_bytes;
    int bad = 0;

    if ((info->flags & MB1_MMAP) == 0)
        return 0;
    if (end > UINT32_MAX)
        return -EBADMSG;
    while (bad == 0 && end - at >= sizeof(struct mb1_range)) {
        const struct mb1_range *r = low((uint32_t)at);
        uint64_t bytes = r->size + sizeof(r->size);

        if (bytes < sizeof(*r) || bytes > end - at)
            return -EBADMSG;
        bad = add_range(out, r->base, r->bytes, r->type);
        at += bytes;
    }
    return bad;
}

/* All three are read whatever the others say: the command line holds where to print the error. */
static int read_multiboot1(const struct mb1_info *info, struct boot_info *out)
{
    int cmdline = read_cmdline1(info, out);
    int modules = read_modules1(info, out);
    int map = read_map1(info, out);

    out->loader = "multiboot1";
    return cmdline != 0 ? cmdline : modules != 0 ? modules : map;
}

static int read_map2(const struct mb2_tag *tag, struct boot_info *out)
{
    const struct mb2_mmap *map = (const void *)tag;
    int bad = 0;

    if (tag->size < sizeof(*map) || map->entry_bytes < sizeof(struct mb2_range))
        return -EBADMSG;
    for (uint64_t at = sizeof(*map); bad == 0 && at + map->entry_bytes <= tag->size;
         at += map->entry_bytes) {
        const struct mb2_range *r = (const void *)((const uint8_t *)tag + at);

        bad = add_range(out, r->base, r->bytes, r->type);
    }
    return bad;
}

static int read_module2(const struct mb2_tag *tag, struct boot_info *out)
{
    const struct mb2_module *m = (const void *)tag;

    if (tag->size < sizeof(*m))
        return -EBADMSG;
    return add_module(out, m->start, m->end, m->text, tag->size - sizeof(*m));
}

/* Version 2 comes with a 64-bit table address: it is the better one, whichever is first. */
static void read_rsdp2(const struct mb2_tag *tag, struct boot_info *out)
{
    uint32_t bytes = tag->size - (uint32_t)sizeof(*tag);

    if (tag->type == MB2_RSDP_V1 && out->rsdp.v != 0)
        return;
    memset(rsdp_copy, 0, sizeof(rsdp_copy));
    memcpy(rsdp_copy, tag + 1, bytes < RSDP_BYTES ? bytes : RSDP_BYTES);
    out->rsdp = hpa((uintptr_t)rsdp_copy);
}

static int read_efi(const struct mb2_tag *tag, struct boot_info *out)
{
    uint64_t system;

    if (tag->size < sizeof(*tag) + sizeof(system))
        return -EBADMSG;
    memcpy(&system, tag + 1, sizeof(system));
    out->efi = hpa(system);
    return 0;
}

static int read_tag(const struct mb2_tag *tag, struct boot_info *out)
{
    const char *text = (const char *)(tag + 1);

    switch (tag->type) {
    case MB2_CMDLINE:
        return copy_text(out->cmdline, sizeof(out->cmdline), text, tag->size - sizeof(*tag));
    case MB2_MODULE:
        return read_module2(tag, out);
    case MB2_MMAP:
        return read_map2(tag, out);
    case MB2_EFI64:
        return read_efi(tag, out);
    case MB2_RSDP_V1:
    case MB2_RSDP_V2:
        read_rsdp2(tag, out);
        return 0;
    default:
        return 0;
    }
}

static int read_multiboot2(const uint32_t *info, struct boot_info *out)
{
    uint32_t total = info[0];
    int bad = 0;

    out->loader = "multiboot2";
    for (uint64_t at = 8; at + sizeof(struct mb2_tag) <= total;) {
        const struct mb2_tag *tag = (const void *)((const uint8_t *)info + at);
        int worse;

        if (tag->type == MB2_END)
            return bad;
        if (tag->size < sizeof(*tag) || tag->size > total - at)
            return -EBADMSG;
        worse = read_tag(tag, out);
        bad = bad != 0 ? bad : worse;
        at = align_up(at + tag->size, 8);
    }
    return -EBADMSG; /* no end tag */
}

int boot_info_read(uint32_t magic, uint32_t info, struct boot_info *out)
{
    memset(out, 0, sizeof(*out));
    out->loader = "no known boot loader";
    if (magic == MULTIBOOT1_MAGIC)
        return read_multiboot1(low(info), out);
    if (magic == MULTIBOOT2_MAGIC)
        return read_multiboot2(low(info), out);
    return -EINVAL;
}

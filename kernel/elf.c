/* SPDX-License-Identifier: MIT */
/* ELF64 as the System V ABI and its x86-64 supplement lay it out. The image is the guest's, so
 * hostile: each field is checked before another is reached through it, and sums cannot overflow. */
#include "kernel/elf.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "kernel/addr.h"

struct elf_header {
    uint8_t magic[4], class, data, ident_version, os_abi, padding[8];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
} __attribute__((packed));

struct elf_phdr {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
} __attribute__((packed));

struct elf_dyn {
    int64_t tag;
    uint64_t value;
} __attribute__((packed));

_Static_assert(sizeof(struct elf_header) == 64, "ELF64");
_Static_assert(sizeof(struct elf_phdr) == 56, "ELF64");
_Static_assert(sizeof(struct elf_dyn) == 16, "ELF64");

#define CLASS_64       2
#define LITTLE_ENDIAN  1
#define VERSION        1
#define TYPE_DYN       3
#define MACHINE_X86_64 62
#define PT_LOAD        1u
#define PT_DYNAMIC     2u
#define PT_INTERP      3u
#define DT_NULL        0
#define DT_NEEDED      1
#define PF_X           1u
#define PF_ALL         7u
#define PHDRS_MAX      64u

static int refuse(const char **why, const char *words)
{
    *why = words;
    return -ENOEXEC;
}

/* [at, at + size) inside [0, bytes), without a sum that could wrap. */
static bool is_inside(uint64_t at, uint64_t size, uint64_t bytes)
{
    return at <= bytes && size <= bytes - at;
}

static int check_header(const struct elf_header *h, uint64_t bytes, const char **why)
{
    if (bytes < sizeof *h)
        return refuse(why, "the file is shorter than an ELF header");
    if (memcmp(h->magic,
               "\x7f"
               "ELF",
               4) != 0)
        return refuse(why, "not an ELF file");
    if (h->class != CLASS_64)
        return refuse(why, "not a 64-bit ELF");
    if (h->data != LITTLE_ENDIAN)
        return refuse(why, "not little-endian");
    if (h->ident_version != VERSION || h->version != VERSION)
        return refuse(why, "unknown ELF version");
    if (h->type != TYPE_DYN)
        return refuse(why, "not position-independent: link it with -static-pie");
    if (h->machine != MACHINE_X86_64)
        return refuse(why, "not for x86-64");
    if (h->ehsize != sizeof *h || h->phentsize != sizeof(struct elf_phdr))
        return refuse(why, "header sizes are not ELF64's");
    if (h->phnum == 0 || h->phnum > PHDRS_MAX)
        return refuse(why, "no program header, or more than 64");
    if (!is_inside(h->phoff, (uint64_t)h->phnum * sizeof(struct elf_phdr), bytes))
        return refuse(why, "program headers lie outside the file");
    return 0;
}

/* A program that needs a shared library would start and then jump into nothing. */
static int check_dynamic(const uint8_t *image, uint64_t bytes, const struct elf_phdr *p,
                         const char **why)
{
    const struct elf_dyn *d;

    if (!is_inside(p->offset, p->filesz, bytes))
        return refuse(why, "the dynamic section lies outside the file");
    d = (const void *)(image + p->offset);
    for (uint64_t i = 0; i < p->filesz / sizeof *d && d[i].tag != DT_NULL; i++)
        if (d[i].tag == DT_NEEDED)
            return refuse(why, "it needs a shared library: link it with -static-pie");
    return 0;
}

static bool overlaps(const struct elf_image *out, const struct elf_segment *s)
{
    for (uint32_t i = 0; i < out->segments; i++) {
        const struct elf_segment *other = &out->segment[i];

        if (s->address < other->address + other->memory_bytes &&
            other->address < s->address + s->memory_bytes)
            return true;
    }
    return false;
}

static int add_segment(const struct elf_phdr *p, uint64_t bytes, uint64_t limit,
                       struct elf_image *out, const char **why)
{
    struct elf_segment s = {p->offset, p->filesz, p->vaddr, p->memsz, p->flags & PF_ALL};

    if (!is_inside(s.file_offset, s.file_bytes, bytes))
        return refuse(why, "a segment lies outside the file: is it truncated?");
    if (s.file_bytes > s.memory_bytes)
        return refuse(why, "a segment is larger in the file than in memory");
    if (!is_inside(s.address, s.memory_bytes, limit))
        return refuse(why, "a segment does not fit into the guest's memory");
    /* The load base is aligned to a page, not to more. */
    if (p->align > PAGE_SIZE || (p->align & (p->align - 1)) != 0)
        return refuse(why, "a segment's alignment is no power of two up to a page: link it with "
                           "-z max-page-size=4096");
    if (p->align > 1 && !is_aligned(s.address - s.file_offset, p->align))
        return refuse(why, "a segment's address and file offset disagree with its alignment");
    if (s.memory_bytes == 0)
        return 0;
    if (overlaps(out, &s))
        return refuse(why, "two segments overlap");
    if (out->segments == ELF_MAX_SEGMENTS)
        return refuse(why, "more than 16 segments");
    out->segment[out->segments++] = s;
    if (out->memory_bytes < s.address + s.memory_bytes)
        out->memory_bytes = s.address + s.memory_bytes;
    return 0;
}

static int check_phdr(const uint8_t *image, uint64_t bytes, uint64_t limit,
                      const struct elf_phdr *p, struct elf_image *out, const char **why)
{
    switch (p->type) {
    case PT_LOAD:
        return add_segment(p, bytes, limit, out, why);
    case PT_DYNAMIC:
        return check_dynamic(image, bytes, p, why);
    case PT_INTERP:
        return refuse(why, "it needs a dynamic loader: link it with -static-pie");
    default:
        return 0;
    }
}

/* In bytes of the file, not in the zeroes after them: zeroes are no program. */
static bool is_code(const struct elf_image *out, uint64_t entry)
{
    for (uint32_t i = 0; i < out->segments; i++) {
        const struct elf_segment *s = &out->segment[i];

        if ((s->flags & PF_X) != 0 && entry >= s->address && entry - s->address < s->file_bytes)
            return true;
    }
    return false;
}

int elf_check(const void *image, uint64_t bytes, uint64_t limit, struct elf_image *out,
              const char **why)
{
    const struct elf_header *h = image;
    const struct elf_phdr *p;
    int bad;

    memset(out, 0, sizeof *out);
    *why = "";
    bad = check_header(h, bytes, why);
    if (bad != 0)
        return bad;
    limit = align_down(limit, PAGE_SIZE);
    p = (const void *)((const uint8_t *)image + h->phoff);
    for (uint16_t i = 0; i < h->phnum; i++) {
        bad = check_phdr(image, bytes, limit, &p[i], out, why);
        if (bad != 0)
            return bad;
    }
    if (!is_code(out, h->entry))
        return refuse(why, "the entry point is not in an executable segment");
    out->entry = h->entry;
    out->memory_bytes = align_up(out->memory_bytes, PAGE_SIZE);
    return 0;
}

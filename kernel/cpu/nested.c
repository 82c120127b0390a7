/* SPDX-License-Identifier: MIT */
/* Four levels, whatever the format: PML4E = 4, PTE = 1. */
#include "kernel/cpu/nested.h"
#include <errno.h>
#include <stdatomic.h>
#include "kernel/mem.h"
#include "kernel/panic.h"

#define LEVELS  4u
#define ENTRIES 512u
#define FRAME   0x000ffffffffff000ull

struct nested_table {
    struct nested_format format;
    hpa_t root;
    uint32_t pages;
    _Atomic uint64_t generation;
};

static uint64_t step_of(unsigned level)
{
    return PAGE_SIZE << 9 * (level - 1);
}

static uint64_t *entry_in(hpa_t table, gpa_t guest, unsigned level)
{
    uint64_t *entries = phys_to_virt(table);

    return &entries[guest.v / step_of(level) % ENTRIES];
}

static bool is_present(const struct nested_table *t, uint64_t entry)
{
    return entry & t->format.present;
}

/* Level 1 is always a leaf: there the bit may mean something else. */
static bool is_leaf(const struct nested_table *t, uint64_t entry, unsigned level)
{
    return level == 1 || (entry & t->format.large);
}

static uint64_t new_generation(void)
{
    static _Atomic uint64_t last;

    return atomic_fetch_add(&last, 1) + 1;
}

int nested_create(struct nested_format format, struct nested_table **table)
{
    hpa_t own = frame_alloc(), root = own.v ? frame_alloc() : own;

    if (!root.v) {
        if (own.v)
            frame_free(own);
        return -ENOMEM;
    }
    *table = phys_to_virt(own);
    **table = (struct nested_table){
        .format = format, .root = root, .pages = 1, .generation = new_generation()};
    return 0;
}

static void free_table(const struct nested_table *t, hpa_t table, unsigned level)
{
    const uint64_t *entries = phys_to_virt(table);

    for (unsigned i = 0; i < ENTRIES && level > 1; i++)
        if (is_present(t, entries[i]) && !is_leaf(t, entries[i], level))
            free_table(t, hpa(entries[i] & FRAME), level - 1);
    frame_free(table);
}

void nested_destroy(struct nested_table *table)
{
    free_table(table, table->root, LEVELS);
    frame_free(virt_to_phys(table));
}

/* The table that entry points to, made when there is none. */
static int table_below(struct nested_table *t, uint64_t *entry, unsigned level, hpa_t *below)
{
    if (is_present(t, *entry)) {
        if (is_leaf(t, *entry, level))
            return -EEXIST;
        *below = hpa(*entry & FRAME);
        return 0;
    }
    *below = frame_alloc();
    if (!below->v)
        return -ENOMEM;
    t->pages++;
    *entry = below->v | t->format.table;
    return 0;
}

/* What is still to be mapped, and how. */
struct span {
    gpa_t guest;
    hpa_t host;
    uint64_t bytes, largest;
    unsigned rights;
    bool device;
};

static uint64_t leaf_of(const struct nested_format *f, const struct span *s, unsigned level)
{
    return s->host.v | f->read | (s->rights & NESTED_WRITE ? f->write : 0) |
           (s->rights & NESTED_EXEC ? f->exec : f->no_exec) | (level > 1 ? f->large : 0) |
           (s->device ? f->device : f->memory);
}

static bool fits(const struct nested_table *t, const struct span *s, unsigned level)
{
    uint64_t step = step_of(level);

    if (level == 1)
        return true;
    return level <= (t->format.has_1g ? 3u : 2u) && step <= s->largest && step <= s->bytes &&
           is_aligned(s->guest.v | s->host.v, step);
}

/* One leaf, as large as fits where no table is yet; *mapped: its bytes. */
static int map_leaf(struct nested_table *t, const struct span *s, uint64_t *mapped)
{
    hpa_t table = t->root;

    for (unsigned level = LEVELS;; level--) {
        uint64_t *entry = entry_in(table, s->guest, level);
        int error;

        if (fits(t, s, level) && !is_present(t, *entry)) {
            *entry = leaf_of(&t->format, s, level);
            *mapped = step_of(level);
            return 0;
        }
        error = table_below(t, entry, level, &table);
        if (error)
            return error;
    }
}

int nested_map(struct nested_table *table, gpa_t guest, hpa_t host, uint64_t bytes, unsigned rights,
               uint64_t largest, bool device)
{
    struct span s = {guest, host, bytes, largest, rights, device};

    ASSERT(is_aligned(guest.v | host.v | bytes, PAGE_SIZE));
    while (s.bytes > 0) {
        uint64_t mapped;
        int error = map_leaf(table, &s, &mapped);

        if (error) {
            nested_unmap(table, guest, bytes - s.bytes);
            return error;
        }
        s.guest.v += mapped;
        s.host.v += mapped;
        s.bytes -= mapped;
    }
    return 0;
}

/* The leaf's entry and level, or NULL. */
static uint64_t *find_leaf(const struct nested_table *t, gpa_t guest, unsigned *level)
{
    hpa_t table = t->root;

    for (*level = LEVELS;; --*level) {
        uint64_t *entry = entry_in(table, guest, *level);

        if (!is_present(t, *entry))
            return NULL;
        if (is_leaf(t, *entry, *level))
            return entry;
        table = hpa(*entry & FRAME);
    }
}

void nested_unmap(struct nested_table *table, gpa_t guest, uint64_t bytes)
{
    for (uint64_t at = 0; at < bytes;) {
        unsigned level;
        uint64_t *entry = find_leaf(table, gpa(guest.v + at), &level);

        if (!entry) {
            at += PAGE_SIZE;
            continue;
        }
        ASSERT(is_aligned(guest.v + at, step_of(level)) && step_of(level) <= bytes - at);
        *entry = 0;
        at += step_of(level);
    }
    /* After the entries, so that who reads the new one and flushes can't cache an old entry. */
    atomic_store(&table->generation, new_generation());
    nested_shoot(table);
}

static unsigned rights_of(const struct nested_format *f, uint64_t entry)
{
    bool exec = f->no_exec ? !(entry & f->no_exec) : entry & f->exec;

    return NESTED_READ | (entry & f->write ? NESTED_WRITE : 0) | (exec ? NESTED_EXEC : 0);
}

int nested_lookup(const struct nested_table *table, gpa_t guest, hpa_t *host, unsigned *rights)
{
    unsigned level;
    const uint64_t *entry = find_leaf(table, guest, &level);
    uint64_t offset;

    if (!entry)
        return -EFAULT;
    offset = guest.v & (step_of(level) - 1);
    *host = hpa((*entry & FRAME & ~(step_of(level) - 1)) | align_down(offset, PAGE_SIZE));
    *rights = rights_of(&table->format, *entry);
    return 0;
}

hpa_t nested_root(const struct nested_table *table)
{
    return table->root;
}

uint32_t nested_table_pages(const struct nested_table *table)
{
    return table->pages;
}

uint64_t nested_generation(const struct nested_table *table)
{
    return atomic_load(&table->generation);
}

/* SPDX-License-Identifier: MIT */
/*
 * Second-level tables of 3 or 4 levels (VT-d specification, sections 3.7 and 9.8). Level 1 holds
 * 4 KiB pages, level 2 2 MiB, level 3 1 GiB.
 *
 * A table page in which nothing is left is unlinked by the clear that emptied it, and given back
 * once its invalidation has completed (retired.c). Where a superpage may come to stand, prepare
 * links nothing; it puts the page that a later split will need into the domain's reserve and marks
 * the entry VTD_SL_BACKED. So neither set nor clear can run out of memory.
 */
#include <errno.h>
#include "kernel/abi.h"
#include "kernel/mem.h"
#include "kernel/panic.h"
#include "vtd/unit.h"

#define RIGHTS (VTD_SL_READ | VTD_SL_WRITE)

struct span {
    uint64_t first, end; /* bytes of IOVA, end exclusive */
};

static uint64_t bytes_at(unsigned level)
{
    return 1ull << (12 + 9 * (level - 1));
}

/* Where the entry that covers at lies in a table of this level. */
static uint64_t *entry_at(uint64_t *table, unsigned level, uint64_t at)
{
    return &table[at / bytes_at(level) % VTD_PAGE_ENTRIES];
}

/* The part of s that the entry around at covers. */
static struct span part_of(struct span s, unsigned level, uint64_t at)
{
    uint64_t end = align_down(at, bytes_at(level)) + bytes_at(level);
    return (struct span){at, end < s.end ? end : s.end};
}

static bool is_whole(struct span s, unsigned level)
{
    return s.end - s.first == bytes_at(level);
}

static bool is_leaf(uint64_t entry, unsigned level)
{
    return (entry & RIGHTS) && (level == 1 || (entry & VTD_SL_LARGE));
}

static bool is_table(uint64_t entry, unsigned level)
{
    return (entry & RIGHTS) && !is_leaf(entry, level);
}

static uint64_t *table_in(uint64_t entry)
{
    return phys_to_virt(hpa(entry & VTD_ENTRY_FRAME));
}

static bool has_superpage(const struct vtd_unit *u, unsigned level)
{
    /* A split makes the next smaller superpages, so 1 GiB is of use only together with 2 MiB. */
    return (u->cap & VTD_CAP_2M) && (level == 2 || (level == 3 && (u->cap & VTD_CAP_1G)));
}

static uint64_t *link_table(struct dma_hw *hw, uint64_t *entry, hpa_t frame)
{
    vtd_entry_write(hw->unit, entry, frame.v | RIGHTS);
    if (++hw->stats.table_pages > hw->stats.table_pages_peak)
        hw->stats.table_pages_peak = hw->stats.table_pages;
    return phys_to_virt(frame);
}

/* Pages of the reserve that splitting everything below one entry takes. */
static unsigned pages_below(unsigned level)
{
    return level == 2 ? 1 : 1 + VTD_PAGE_ENTRIES;
}

/*
 * Puts a table in the place of a superpage, or of a backed entry that is not present: the table is
 * complete before it is linked, so the unit sees the same translations at every instant.
 */
static uint64_t *split(struct dma_hw *hw, uint64_t *entry, unsigned level, uint64_t at)
{
    uint64_t old = *entry, *table = phys_to_virt(vtd_reserve_take(hw));
    uint64_t below = level == 2 ? old & ~(VTD_SL_LARGE | VTD_SL_BACKED) : old | VTD_SL_BACKED;
    for (unsigned i = 0; i < VTD_PAGE_ENTRIES; i++) {
        uint64_t step = old & RIGHTS ? i * bytes_at(level - 1) : 0;
        vtd_entry_write(hw->unit, &table[i], below + step);
    }
    if (old & RIGHTS) {
        /* The unit may hold the superpage under its first address alone. */
        vtd_batch_add(hw, iova(align_down(at, bytes_at(level))), bytes_at(level) >> PAGE_SHIFT);
        hw->batch.upper = true;
    }
    return link_table(hw, entry, virt_to_phys(table));
}

/* The unit may still go to an unlinked table by its caches, and would not see what a new one in the
 * same place says. */
static int await_retired(struct dma_hw *hw)
{
    dma_token_t token;
    if (!hw->retired.oldest.v)
        return 0;
    int error = dma_hw_submit(hw, &token);
    return error ? error : dma_hw_wait(hw, token);
}

static int prepare(struct dma_hw *hw, uint64_t *table, unsigned level, struct span s)
{
    struct span part;
    int error = 0;
    for (uint64_t at = s.first; at < s.end && level > 1 && !error; at = part.end) {
        uint64_t *entry = entry_at(table, level, at);
        part = part_of(s, level, at);
        if (is_table(*entry, level)) {
            error = prepare(hw, table_in(*entry), level - 1, part);
        } else if (*entry == 0 && has_superpage(hw->unit, level) && is_whole(part, level)) {
            error = vtd_reserve_grow(hw, pages_below(level));
            if (!error)
                vtd_entry_write(hw->unit, entry, VTD_SL_BACKED);
        } else if (*entry == 0) {
            error = await_retired(hw);
            if (error)
                return error;
            hpa_t frame = vtd_table_alloc(hw->unit);
            if (frame.v == 0)
                return -ENOMEM;
            error = prepare(hw, link_table(hw, entry, frame), level - 1, part);
        }
        /* Else a backed entry: what lies below it is in the reserve already. */
    }
    return error;
}

static uint64_t leaf_bits(const struct vtd_unit *u, uint32_t rights)
{
    /* A device must not bypass the caches that the guest's processor works in. */
    return (rights & ABI_DMA_READ ? VTD_SL_READ : 0) | (rights & ABI_DMA_WRITE ? VTD_SL_WRITE : 0) |
           (u->ecap & VTD_ECAP_SC ? VTD_SL_SNOOP : 0);
}

/* leaf: rights and the frame that s.first goes to. */
static void set(struct dma_hw *hw, uint64_t *table, unsigned level, struct span s, uint64_t leaf)
{
    struct span part;
    for (uint64_t at = s.first; at < s.end; at = part.end) {
        uint64_t *entry = entry_at(table, level, at), to = leaf + (at - s.first);
        part = part_of(s, level, at);
        if (level == 1) {
            vtd_entry_write(hw->unit, entry, to);
        } else if (is_table(*entry, level)) {
            set(hw, table_in(*entry), level - 1, part, to);
        } else if (is_whole(part, level) && has_superpage(hw->unit, level) &&
                   is_aligned(to & VTD_ENTRY_FRAME, bytes_at(level))) {
            vtd_entry_write(hw->unit, entry, to | VTD_SL_LARGE | VTD_SL_BACKED);
        } else {
            set(hw, split(hw, entry, level, at), level - 1, part, to);
        }
    }
}

/* From the entry that was just cleared on: neighbours come and go together, so that the next ones
 * are the likeliest to be left. */
static bool is_empty(const uint64_t *table, unsigned from)
{
    for (unsigned i = 0; i < VTD_PAGE_ENTRIES; i++)
        if (table[(from + i) % VTD_PAGE_ENTRIES])
            return false;
    return true;
}

/* The range that goes into the batch is all that the table covered: whatever the unit has cached of
 * the way to it goes too. */
static void unlink_table(struct dma_hw *hw, uint64_t *entry, unsigned level, uint64_t at)
{
    hpa_t page = hpa(*entry & VTD_ENTRY_FRAME);
    vtd_entry_write(hw->unit, entry, 0);
    vtd_batch_add(hw, iova(align_down(at, bytes_at(level))), bytes_at(level) >> PAGE_SHIFT);
    hw->batch.upper = true;
    vtd_retire(hw, page);
}

/* Returns where in the table the last entry was that it went through. */
static unsigned clear(struct dma_hw *hw, uint64_t *table, unsigned level, struct span s)
{
    struct span part;
    unsigned last = 0;
    for (uint64_t at = s.first; at < s.end; at = part.end) {
        uint64_t *entry = entry_at(table, level, at);
        part = part_of(s, level, at);
        if (is_table(*entry, level)) {
            unsigned below = clear(hw, table_in(*entry), level - 1, part);
            if (is_empty(table_in(*entry), below))
                unlink_table(hw, entry, level, at);
        } else if (is_leaf(*entry, level) && is_whole(part, level)) {
            vtd_entry_write(hw->unit, entry, level == 1 ? 0 : VTD_SL_BACKED);
        } else if (is_leaf(*entry, level)) {
            clear(hw, split(hw, entry, level, at), level - 1, part);
        }
        last = (unsigned)(entry - table);
    }
    return last;
}

static struct span span_of(iova_t iova, uint64_t pages)
{
    return (struct span){iova.v, iova.v + (pages << PAGE_SHIFT)};
}

int dma_hw_prepare(struct dma_hw *hw, iova_t iova, uint64_t pages)
{
    uint64_t limit = 1ull << (hw->unit->width - PAGE_SHIFT);
    uint64_t first = iova.v >> PAGE_SHIFT;
    if (first >= limit || pages > limit - first)
        return -ERANGE;
    return prepare(hw, phys_to_virt(hw->root), hw->unit->levels, span_of(iova, pages));
}

int dma_hw_set(struct dma_hw *hw, iova_t iova, hpa_t frame, uint64_t pages, uint32_t rights)
{
    ASSERT((rights & ABI_DMA_RIGHTS) != 0 && !vtd_reaches_forbidden(frame, pages));
    set(hw, phys_to_virt(hw->root), hw->unit->levels, span_of(iova, pages),
        frame.v | leaf_bits(hw->unit, rights));
    if (!(hw->unit->cap & VTD_CAP_CM))
        return vtd_flush_write_buffer(hw->unit);

    /* The unit may hold "not present" as a translation (section 6.1). */
    dma_token_t token;
    vtd_batch_add(hw, iova, pages);
    int error = dma_hw_submit(hw, &token);
    return error ? error : dma_hw_wait(hw, token);
}

void dma_hw_clear(struct dma_hw *hw, iova_t iova, uint64_t pages)
{
    clear(hw, phys_to_virt(hw->root), hw->unit->levels, span_of(iova, pages));
}

static void free_below(uint64_t *table, unsigned level, bool quarantine)
{
    for (unsigned i = 0; i < VTD_PAGE_ENTRIES; i++)
        if (is_table(table[i], level))
            free_below(table_in(table[i]), level - 1, quarantine);
    vtd_table_give_back(virt_to_phys(table), quarantine);
}

void vtd_table_free(struct dma_hw *hw, bool quarantine)
{
    free_below(phys_to_virt(hw->root), hw->unit->levels, quarantine);
    vtd_retired_end(hw, quarantine);
    while (hw->reserve.v != 0)
        vtd_table_give_back(vtd_reserve_take(hw), quarantine);
}

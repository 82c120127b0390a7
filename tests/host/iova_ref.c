/* SPDX-License-Identifier: MIT */
/* By brute force over single pages: what an IOVA allocator may answer. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "tests/host/iova_life.h"

void life_fail(struct iova_life *l, const char *format, ...)
{
    va_list args;
    int n;

    if (l->failure[0])
        return;
    n = snprintf(l->failure, sizeof l->failure, "%s, %u pages, %u CPUs: ", l->allocator->name,
                 l->config.pages, l->config.cpus);
    va_start(args, format);
    vsnprintf(l->failure + n, sizeof l->failure - (size_t)n, format, args);
    va_end(args);
}

bool life_is_identity(const struct iova_life *l)
{
    return strcmp(l->allocator->name, "identity") == 0;
}

static bool is(const struct iova_life *l, const char *name)
{
    return strcmp(l->allocator->name, name) == 0;
}

static uint32_t power(uint32_t pages)
{
    uint32_t size = 1;

    while (size < pages)
        size *= 2;
    return size;
}

uint32_t life_granted(const struct iova_life *l, uint32_t pages)
{
    return is(l, "magazine") || is(l, "sizeclass") ? power(pages) : pages;
}

static bool is_free(const struct iova_life *l, uint32_t first, uint32_t pages)
{
    for (uint32_t i = first; i < first + pages; i++)
        if (i >= l->config.pages || l->taken[i])
            return false;
    return true;
}

static bool has_gap(const struct iova_life *l, uint32_t pages)
{
    for (uint32_t first = 0; first < l->config.pages; first += power(pages))
        if (is_free(l, first, life_granted(l, pages)))
            return true;
    return false;
}

/* A chunk that nobody uses, or one of this CPU and size with room. */
static bool has_chunk(const struct iova_life *l, uint32_t pages, uint32_t cpu)
{
    for (uint32_t chunk = 0; chunk < l->config.pages / 64; chunk++) {
        const struct life_range *user = NULL;
        uint32_t taken = 0;

        for (uint32_t i = chunk * 64; i < chunk * 64 + 64; i++)
            if (l->taken[i]) {
                user = &l->live[l->taken[i] - 1];
                taken++;
            }
        if (!user || (taken < 64 && user->cpu == cpu && power(user->range.pages) == power(pages)))
            return true;
    }
    return false;
}

/* Linux: the first fit below the range allocated last, and once more from the top. */
static uint32_t from_top(const struct iova_life *l, uint32_t pages, uint32_t below)
{
    for (uint32_t first = below - below % power(pages) + power(pages); first > 0;) {
        first -= power(pages);
        if (first + pages <= below && is_free(l, first, pages))
            return first;
    }
    return UINT32_MAX;
}

static void check_first_fit(struct iova_life *l, uint32_t first, uint32_t pages)
{
    uint32_t expected = from_top(l, pages, l->cached);

    if (expected == UINT32_MAX)
        expected = from_top(l, pages, l->config.pages);
    if (first != expected)
        life_fail(l, "%u pages at page %u, first fit is %u", pages, first, expected);
    l->cached = first;
}

static void check_place(struct iova_life *l, const struct iova_range *r)
{
    uint64_t offset = r->at.v - l->config.base, first = offset / PAGE_SIZE;

    if (r->at.v == 0 || r->at.v < l->config.base || offset % PAGE_SIZE ||
        first + r->pages > l->config.pages)
        life_fail(l, "%u pages at %#llx: not in the space", r->pages, (unsigned long long)r->at.v);
    else if (r->at.v % (power(r->pages) * PAGE_SIZE))
        life_fail(l, "%u pages at %#llx: not aligned", r->pages, (unsigned long long)r->at.v);
    else if (!is_free(l, (uint32_t)first, life_granted(l, r->pages)))
        life_fail(l, "%u pages at %#llx: taken already", r->pages, (unsigned long long)r->at.v);
    else if (r->changed != ~0ull >> (64 - r->pages))
        life_fail(l, "not all entries of a new range are to be written");
    else if (is(l, "rbtree"))
        check_first_fit(l, (uint32_t)first, r->pages);
}

static bool may_be_full(struct iova_life *l, uint32_t pages, uint32_t cpu)
{
    if (l->config.lock && l->allocator->trim && l->config.cpus > 1)
        return true; /* the rest may lie with the other CPUs */
    return is(l, "sizeclass") ? !has_chunk(l, pages, cpu) : !has_gap(l, pages);
}

static void identity_allocated(struct iova_life *l, const struct iova_range *r, int error)
{
    bool possible = r->rights >= 1 && r->rights <= 3 && r->page + r->pages <= l->config.pages;
    uint64_t end = l->config.base + l->config.pages * PAGE_SIZE, stride = 1, changed = 0;

    if (possible != (error == 0))
        life_fail(l, "an allocation returned %d", error);
    if (error)
        return;
    while (stride < end)
        stride *= 2;
    for (uint32_t i = 0; i < r->pages; i++)
        if (l->counts[r->rights - 1][r->page + i]++ == 0)
            changed |= 1ull << i;
    if (r->at.v != l->config.base + r->page * PAGE_SIZE + (3u - r->rights) * stride)
        life_fail(l, "page %u, rights %u at %#llx", r->page, r->rights,
                  (unsigned long long)r->at.v);
    if (r->changed != changed)
        life_fail(l, "entries to write: %#llx, counts say %#llx", (unsigned long long)r->changed,
                  (unsigned long long)changed);
}

void life_allocated(struct iova_life *l, const struct iova_range *r, uint32_t cpu, int error)
{
    if (life_is_identity(l))
        identity_allocated(l, r, error);
    else if (error == -ENOSPC && !may_be_full(l, r->pages, cpu))
        life_fail(l, "no room for %u pages, but there is", r->pages);
    else if (error && error != -ENOSPC && !(error == -ETIMEDOUT && l->refused))
        life_fail(l, "an allocation returned %d", error);
    else if (!error)
        check_place(l, r);
    if (error || l->failure[0])
        return;
    l->live[l->live_count++] = (struct life_range){.range = *r, .cpu = cpu};
    for (uint32_t i = 0; i < life_granted(l, r->pages) && !life_is_identity(l); i++)
        l->taken[(r->at.v - l->config.base) / PAGE_SIZE + i] = (uint16_t)l->live_count;
}

void life_put(struct iova_life *l, const struct iova_range *r)
{
    uint64_t changed = 0;

    for (uint32_t i = 0; i < r->pages; i++)
        if (!life_is_identity(l) || --l->counts[r->rights - 1][r->page + i] == 0)
            changed |= 1ull << i;
    if (r->changed != changed)
        life_fail(l, "entries to clear: %#llx, should be %#llx", (unsigned long long)r->changed,
                  (unsigned long long)changed);
}

static void move_cached(struct iova_life *l, uint32_t first, uint32_t pages)
{
    if (first < l->cached)
        return;
    for (l->cached = first + pages; l->cached < l->config.pages; l->cached++)
        if (l->taken[l->cached])
            return;
}

void life_freed(struct iova_life *l, uint32_t index)
{
    const struct iova_range r = l->live[index].range;
    uint32_t first = (uint32_t)((r.at.v - l->config.base) / PAGE_SIZE);

    l->live[index] = l->live[--l->live_count];
    if (life_is_identity(l))
        return;
    memset(&l->taken[first], 0, life_granted(l, r.pages) * sizeof *l->taken);
    move_cached(l, first, r.pages);
    for (uint32_t page = 0; page < l->config.pages; page++)
        if (l->taken[page] == l->live_count + 1)
            l->taken[page] = (uint16_t)(index + 1);
}

void life_audit(struct iova_life *l)
{
    int64_t expected = 0, got = iova_audit(l->space);

    for (uint32_t i = 0; i < l->live_count; i++)
        expected += life_granted(l, l->live[i].range.pages);
    if (got != expected)
        life_fail(l, "an audit finds %lld pages, there are %lld", (long long)got,
                  (long long)expected);
}

/* SPDX-License-Identifier: MIT */
/* One byte of state a frame, from address 0 to the end of RAM: 1/4096 of memory buys that a frame
 * is in exactly one state, and every change of state is checked. */
#include <errno.h>
#include <string.h>
#include "kernel/frames.h"
#include "kernel/layout.h"
#include "kernel/log.h"
#include "kernel/mem.h"
#include "kernel/panic.h"
#include "kernel/spinlock.h"

enum frame_state {
    FRAME_ABSENT, /* no RAM, or not ours to use */
    FRAME_FREE,
    FRAME_USED,
    FRAME_GUEST,
    FRAME_RESERVED, /* image, modules */
    FRAME_LOW,      /* the rest of the first MiB */
    FRAME_QUARANTINED
};

static const char *const state_names[] = {"no RAM",   "free already", "in use",     "the guest's",
                                          "reserved", "below 1 MiB",  "quarantined"};

#define FIRST_FRAME (1ull << (20 - PAGE_SHIFT)) /* what lies below 1 MiB stays */
#define LOW_FRAMES  (640ull * 1024 >> PAGE_SHIFT)
#define MAP_LIMIT   (1ull << 32) /* what the entry code mapped */
#define JUNK        0xdb
#define LOCK_US     1000000

static uint8_t *state;
static uint64_t frames; /* states there are */
static uint64_t lowest; /* no frame below is free */
static uint64_t free_count, total_count;
static struct spinlock lock;

/* Pushes *at past [base, base + bytes) when size bytes there would meet it. */
static bool push_past(uint64_t *at, uint64_t size, uint64_t base, uint64_t bytes)
{
    if (*at >= base + bytes || base >= *at + size)
        return false;
    *at = align_up(base + bytes, PAGE_SIZE);
    return true;
}

static bool push_past_all(const struct boot_info *boot, uint64_t *at, uint64_t size)
{
    bool moved = push_past(at, size, 0, FIRST_FRAME << PAGE_SHIFT);

    moved |= push_past(at, size, (uint64_t)image_start, (uint64_t)(image_end - image_start));
    for (uint32_t i = 0; i < boot->modules; i++)
        moved |= push_past(at, size, boot->module[i].base.v, boot->module[i].bytes);
    for (uint32_t i = 0; i < boot->ranges; i++)
        if (boot->range[i].type != BOOT_RAM)
            moved |= push_past(at, size, boot->range[i].base.v, boot->range[i].bytes);
    return moved;
}

static bool place_in(const struct boot_info *boot, const struct boot_range *r, uint64_t size,
                     uint64_t *at)
{
    uint64_t end = r->base.v + r->bytes < MAP_LIMIT ? r->base.v + r->bytes : MAP_LIMIT;

    *at = align_up(r->base.v, PAGE_SIZE);
    while (*at + size <= end)
        if (!push_past_all(boot, at, size))
            return true;
    return false;
}

static bool place_states(const struct boot_info *boot)
{
    uint64_t at;

    for (uint32_t i = 0; i < boot->ranges; i++) {
        if (boot->range[i].type == BOOT_RAM && place_in(boot, &boot->range[i], frames, &at)) {
            state = (uint8_t *)at;
            return true;
        }
    }
    return false;
}

/* Frames [first, end) go to to, save those that are no RAM. */
static void mark(uint64_t first, uint64_t end, enum frame_state to)
{
    for (uint64_t f = first; f < end && f < frames; f++)
        if (state[f] != FRAME_ABSENT)
            state[f] = (uint8_t)to;
}

static void reserve(uint64_t base, uint64_t bytes, enum frame_state to)
{
    uint64_t end = base + bytes; /* not rounded up as it is: it may be the last byte there is */

    mark(base >> PAGE_SHIFT, (end >> PAGE_SHIFT) + !is_aligned(end, PAGE_SIZE), to);
}

/* Maps overlap on some firmware: a frame is RAM only when all of it is RAM and none is not. */
static void mark_ranges(const struct boot_info *boot)
{
    memset(state, FRAME_ABSENT, frames);
    for (uint32_t i = 0; i < boot->ranges; i++) {
        const struct boot_range *r = &boot->range[i];
        uint64_t first = align_up(r->base.v, PAGE_SIZE) >> PAGE_SHIFT;
        uint64_t end = (r->base.v + r->bytes) >> PAGE_SHIFT;

        if (r->type == BOOT_RAM && first < end)
            memset(state + first, FRAME_FREE, end - first);
    }
    for (uint32_t i = 0; i < boot->ranges; i++)
        if (boot->range[i].type != BOOT_RAM)
            reserve(boot->range[i].base.v, boot->range[i].bytes, FRAME_ABSENT);
}

static uint64_t end_of_ram(const struct boot_info *boot)
{
    uint64_t end = 0;

    for (uint32_t i = 0; i < boot->ranges; i++) {
        const struct boot_range *r = &boot->range[i];

        if (r->type == BOOT_RAM && r->base.v + r->bytes > end)
            end = r->base.v + r->bytes;
    }
    return end;
}

int mem_init(const struct boot_info *boot)
{
    frames = end_of_ram(boot) >> PAGE_SHIFT;
    if (frames <= FIRST_FRAME || !place_states(boot)) {
        log_error("mem",
                  "the boot loader's memory map has no room for the frame table in its %u "
                  "ranges: give the machine at least 64M of RAM",
                  boot->ranges);
        return -ENOMEM;
    }
    mark_ranges(boot);
    mark(0, FIRST_FRAME, FRAME_LOW);
    reserve((uint64_t)image_start, (uint64_t)(image_end - image_start), FRAME_RESERVED);
    for (uint32_t i = 0; i < boot->modules; i++)
        reserve(boot->module[i].base.v, boot->module[i].bytes, FRAME_RESERVED);
    reserve((uint64_t)state, frames, FRAME_USED);
    lowest = FIRST_FRAME;
    for (uint64_t f = 0; f < frames; f++) {
        free_count += state[f] == FRAME_FREE;
        total_count += state[f] == FRAME_FREE || state[f] == FRAME_USED;
    }
    log_info("mem", "%lu MiB of RAM free", free_count >> (20 - PAGE_SHIFT));
    return 0;
}

static void lock_frames(void)
{
    if (!spin_lock_us(&lock, LOCK_US))
        panic("the frame allocator's lock was not released within %u ms", LOCK_US / 1000);
}

/* First fit from below: what paging_init needs before it has mapped everything is then low. */
static uint64_t find_run(uint64_t count, uint64_t align)
{
    uint64_t first = align_up(lowest, align);

    while (first + count <= frames) {
        uint64_t f = first;

        while (f < first + count && state[f] == FRAME_FREE)
            f++;
        if (f == first + count)
            return first;
        first = align_up(f + 1, align);
    }
    return 0;
}

hpa_t frame_alloc_run(uint64_t count, uint64_t align)
{
    uint64_t first = 0;

    ASSERT(align >= PAGE_SIZE && (align & (align - 1)) == 0);
    lock_frames();
    if (count != 0 && count <= free_count)
        first = find_run(count, align >> PAGE_SHIFT);
    if (first != 0) {
        memset(state + first, FRAME_USED, count);
        free_count -= count;
        if (count == 1 && align == PAGE_SIZE)
            lowest = first + 1; /* the first free one of all it was */
    }
    spin_unlock(&lock);
    if (first != 0)
        memset(phys_to_virt(hpa(first << PAGE_SHIFT)), 0, count << PAGE_SHIFT);
    return hpa(first << PAGE_SHIFT);
}

hpa_t frame_alloc(void)
{
    return frame_alloc_run(1, PAGE_SIZE);
}

static enum frame_state state_of(hpa_t frame)
{
    uint64_t f = frame.v >> PAGE_SHIFT;

    return f < frames ? (enum frame_state)state[f] : FRAME_ABSENT;
}

/* Every change of state goes through here: one of the two states it may come from, or a panic. */
static void change(hpa_t base, uint64_t count, enum frame_state from, enum frame_state or_from,
                   enum frame_state to, const char *what)
{
    ASSERT(is_aligned(base.v, PAGE_SIZE));
    for (uint64_t i = 0; i < count; i++) {
        hpa_t frame = hpa(base.v + (i << PAGE_SHIFT));
        enum frame_state now = state_of(frame);

        if (now != from && now != or_from)
            panic("frame %lx cannot be %s: it is %s", frame.v, what, state_names[now]);
        state[frame.v >> PAGE_SHIFT] = (uint8_t)to;
    }
}

void frame_free_run(hpa_t frame, uint64_t count)
{
#ifdef DEBUG
    /* Before it is free: afterwards it may be another CPU's. A frame that is not in use is left to
     * the panic below. */
    if (state_of(frame) == FRAME_USED)
        memset(phys_to_virt(frame), JUNK, count << PAGE_SHIFT);
#endif
    lock_frames();
    change(frame, count, FRAME_USED, FRAME_USED, FRAME_FREE, "freed");
    free_count += count;
    if (frame.v >> PAGE_SHIFT < lowest)
        lowest = frame.v >> PAGE_SHIFT;
    spin_unlock(&lock);
}

void frame_free(hpa_t frame)
{
    frame_free_run(frame, 1);
}

void frame_quarantine_run(hpa_t frame, uint64_t count)
{
    lock_frames();
    change(frame, count, FRAME_USED, FRAME_GUEST, FRAME_QUARANTINED, "quarantined");
    spin_unlock(&lock);
}

void frame_give_guest(hpa_t frame, uint64_t count, bool guest)
{
    enum frame_state from = guest ? FRAME_USED : FRAME_GUEST;

    lock_frames();
    change(frame, count, from, from, guest ? FRAME_GUEST : FRAME_USED,
           guest ? "given to a guest" : "taken back from a guest");
    spin_unlock(&lock);
}

uint64_t frames_free(void)
{
    return free_count;
}

uint64_t frames_total(void)
{
    return total_count;
}

bool frame_is_ram(hpa_t frame)
{
    return state_of(frame) != FRAME_ABSENT;
}

bool frame_is_hypervisor(hpa_t frame)
{
    enum frame_state s = state_of(frame);

    return s != FRAME_ABSENT && s != FRAME_GUEST;
}

bool frames_next_run(hpa_t from, hpa_t *base, uint64_t *count)
{
    uint64_t f = from.v >> PAGE_SHIFT, end;

    while (f < frames && state[f] != FRAME_FREE && state[f] != FRAME_USED)
        f++;
    for (end = f; end < frames && (state[end] == FRAME_FREE || state[end] == FRAME_USED);)
        end++;
    *base = hpa(f << PAGE_SHIFT);
    *count = end - f;
    return end > f;
}

hpa_t frames_low_page(void)
{
    for (uint64_t f = LOW_FRAMES - 1; f > 0; f--)
        if (state[f] == FRAME_LOW)
            return hpa(f << PAGE_SHIFT);
    return hpa(0);
}

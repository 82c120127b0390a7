/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include "kernel/addr.h"
#include "kernel/log.h"
#include "kernel/mem.h"
#include "kernel/result.h"
#include "kernel/vm_parts.h"
#include "lib/dma_trace.h"

#define PART_BYTES 768u /* of the trace, in a record */

/* Where a guest keeps it, for as long as that memory is ours to read. */
struct trace {
    hpa_t ring; /* 0: there is none */
    uint64_t frames;
    uint64_t events;      /* that it has room for */
    uint64_t base, pages; /* of the guest's RAM, as the guest counts them */
};

/* The last guest's, until the next is made. */
static struct trace kept;

static uint64_t ring_bytes(const struct vm *vm)
{
    return dma_trace_ring_bytes(vm->params->trace, vm->ram_bytes >> PAGE_SHIFT);
}

static struct trace trace_of(const struct vm *vm)
{
    if (!vm->trace.v)
        return (struct trace){.ring = hpa(0)};
    return (struct trace){
        .ring = hpa(vm->ram.v + (vm->trace.v - vm->ram_gpa.v)),
        .frames = align_up(ring_bytes(vm), PAGE_SIZE) >> PAGE_SHIFT,
        .events = vm->params->trace,
        .base = vm->ram_gpa.v >> PAGE_SHIFT,
        .pages = vm->ram_bytes >> PAGE_SHIFT,
    };
}

int vm_trace_create(struct vm *vm)
{
    struct abi_trace *ring;

    if (!vm->params->trace)
        return 0;
    if (ring_bytes(vm) > vm->ram_bytes / 2) {
        vm_end(vm, VM_END_REFUSED, 0,
               "trace=: %lu events take %lu of the guest's %lu pages: keep fewer, or give it more "
               "memory (mem=)",
               vm->params->trace, align_up(ring_bytes(vm), PAGE_SIZE) >> PAGE_SHIFT,
               vm->ram_bytes >> PAGE_SHIFT);
        return -ENOSPC;
    }
    vm->trace = vm_take(vm, ring_bytes(vm));
    ring = vm_ram(vm, vm->trace, ring_bytes(vm));
    guest_access_begin();
    ring->events = vm->params->trace;
    guest_access_end();
    return 0;
}

static void encode(const uint8_t *from, size_t bytes, char *to)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < bytes; i += 3) {
        uint32_t three = (uint32_t)from[i] << 16;

        three |= i + 1 < bytes ? (uint32_t)from[i + 1] << 8 : 0;
        three |= i + 2 < bytes ? from[i + 2] : 0;
        *to++ = digit[three >> 18];
        *to++ = digit[three >> 12 & 63];
        *to++ = i + 1 < bytes ? digit[three >> 6 & 63] : '=';
        *to++ = i + 2 < bytes ? digit[three & 63] : '=';
    }
    *to = 0;
}

static struct dma_trace_reader reader(const struct trace *t)
{
    return dma_trace_read(phys_to_virt(t->ring), t->base, t->pages);
}

/* Events do not straddle parts: each is at most as long as the reader makes it. */
static uint64_t count_parts(const struct trace *t)
{
    struct dma_trace_reader r = reader(t);
    uint8_t part[PART_BYTES];
    uint64_t parts = 0;

    while (dma_trace_more(&r, part, sizeof part))
        parts++;
    return parts;
}

/* The guest has stopped: what is sound stays so. */
static void print(const struct trace *t)
{
    char text[PART_BYTES / 3 * 4 + 1];
    struct dma_trace_reader r;
    uint8_t part[PART_BYTES];
    uint64_t parts;
    size_t bytes;

    if (!dma_trace_is_sound(phys_to_virt(t->ring), t->events, t->pages)) {
        log_warn("vm", "the guest wrote over its trace: nothing of it is printed");
        return;
    }
    parts = count_parts(t);
    r = reader(t);
    for (uint64_t i = 1; (bytes = dma_trace_more(&r, part, sizeof part)) > 0; i++) {
        encode(part, bytes, text);
        result_trace(i, parts, text);
    }
}

void vm_trace_dump(const struct vm *vm)
{
    struct trace t = trace_of(vm);

    if (!vm->params->trace_dump)
        return;
    guest_access_begin();
    print(&t);
    guest_access_end();
}

uint64_t vm_trace_keep(const struct vm *vm, hpa_t *first)
{
    kept = trace_of(vm);
    *first = kept.ring.v ? kept.ring : vm->ram;
    return kept.frames;
}

void vm_trace_forget(void)
{
    if (kept.ring.v)
        frame_free_run(kept.ring, kept.frames);
    kept = (struct trace){.ring = hpa(0)};
}

bool vm_trace_again(void)
{
    if (kept.ring.v)
        print(&kept);
    return kept.ring.v != 0;
}

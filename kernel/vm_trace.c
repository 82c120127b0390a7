/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include "kernel/addr.h"
#include "kernel/log.h"
#include "kernel/mem.h"
#include "kernel/result.h"
#include "kernel/vm_parts.h"
#include "lib/dma_trace.h"

#define PART_BYTES 768u /* of the trace, in a record */

static uint64_t ram_pages(const struct vm *vm)
{
    return vm->ram_bytes >> PAGE_SHIFT;
}

static uint64_t ring_bytes(const struct vm *vm)
{
    return dma_trace_ring_bytes(vm->params->trace, ram_pages(vm));
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
               vm->params->trace, align_up(ring_bytes(vm), PAGE_SIZE) >> PAGE_SHIFT, ram_pages(vm));
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

static struct dma_trace_reader reader(const struct vm *vm, const struct abi_trace *ring)
{
    return dma_trace_read(ring, vm->ram_gpa.v >> PAGE_SHIFT, ram_pages(vm));
}

/* Events do not straddle parts: each is at most as long as the reader makes it. */
static uint64_t count_parts(const struct vm *vm, const struct abi_trace *ring)
{
    struct dma_trace_reader r = reader(vm, ring);
    uint8_t part[PART_BYTES];
    uint64_t parts = 0;

    while (dma_trace_more(&r, part, sizeof part))
        parts++;
    return parts;
}

static void print(const struct vm *vm, const struct abi_trace *ring)
{
    uint64_t parts = count_parts(vm, ring);
    struct dma_trace_reader r = reader(vm, ring);
    char text[PART_BYTES / 3 * 4 + 1];
    uint8_t part[PART_BYTES];
    size_t bytes;

    for (uint64_t i = 1; (bytes = dma_trace_more(&r, part, sizeof part)) > 0; i++) {
        encode(part, bytes, text);
        result_trace(i, parts, text);
    }
}

/* The guest has stopped: what is sound stays so. */
void vm_trace_dump(const struct vm *vm)
{
    const struct abi_trace *ring;

    if (!vm->params->trace_dump)
        return;
    ring = vm_ram(vm, vm->trace, ring_bytes(vm));
    guest_access_begin();
    if (dma_trace_is_sound(ring, vm->params->trace, ram_pages(vm)))
        print(vm, ring);
    else
        log_warn("vm", "the guest wrote over its trace: nothing of it is printed");
    guest_access_end();
}

/* SPDX-License-Identifier: MIT */
/* The measured window. Its own two calls are no part of it: the clock starts last and stops first,
 * and vcpu.c does not count them. */
#include <errno.h>
#include <string.h>
#include "kernel/mem.h"
#include "kernel/result.h"
#include "kernel/time.h"
#include "kernel/vm_parts.h"
#include "vtd/vtd.h"

/* Engine and hardware as they are now, into the begin or end half of a result. */
static void take_dma(const struct vm *vm, struct dma_counters *dma, struct dma_hw_stats *hw)
{
    if (vm->dma)
        *dma = *dma_domain_counters(vm->dma);
    if (vm->hw)
        *hw = *dma_hw_stats(vm->hw);
}

int vm_window_begin(struct vm *vm)
{
    struct vm_result *w = &vm->window;

    if (vm->in_window || vm->outcome->results == VM_MAX_RESULTS)
        return -EBUSY;
    vm->in_window = true;
    *w = (struct vm_result){.cpu = vm->counters};
    vtd_poll_faults();
    w->faults = vtd_faults();
    if (vm->dma)
        dma_domain_begin_window(vm->dma);
    take_dma(vm, &w->dma_begin, &w->hw_begin);
    w->tsc = tsc_read();
    return 0;
}

/* It goes into a record: letters that need no escaping, and an end. */
static bool is_name(const char *name, size_t size)
{
    size_t length = strnlen(name, size);

    for (size_t i = 0; i < length; i++)
        if (!(name[i] >= 'a' && name[i] <= 'z') && !(name[i] >= '0' && name[i] <= '9') &&
            name[i] != '_')
            return false;
    return length > 0 && length < size;
}

static bool can_be(const struct abi_window *counts)
{
    for (unsigned i = 0; i < ABI_FIGURES; i++) {
        const char *key = counts->figure[i].key;

        if (key[0] && !is_name(key, sizeof counts->figure[i].key))
            return false;
    }
    return is_name(counts->workload, sizeof counts->workload) && counts->misses <= counts->maps;
}

static struct vm_counters since(const struct vm_counters *begin, const struct vm_counters *now)
{
    struct vm_counters d = {.hypercalls = now->hypercalls - begin->hypercalls,
                            .exits = now->exits - begin->exits,
                            .exits_host = now->exits_host - begin->exits_host,
                            .interrupts = now->interrupts - begin->interrupts};

    for (unsigned i = 0; i < CPU_EXIT_REASONS; i++)
        d.by_reason[i] = now->by_reason[i] - begin->by_reason[i];
    return d;
}

static void close_window(struct vm *vm, uint64_t end_tsc)
{
    struct vm_result *w = &vm->window;

    w->tsc = end_tsc - w->tsc;
    w->cpu = since(&w->cpu, &vm->counters);
    vtd_poll_faults();
    w->faults = vtd_faults() - w->faults;
    take_dma(vm, &w->dma_end, &w->hw_end);
    w->quota = vm->quota;
    w->floor = vm->floor;
    vm->in_window = false;
    vm->outcome->result[vm->outcome->results++] = *w;
}

int vm_window_end(struct vm *vm, gpa_t guest_counts)
{
    uint64_t now = tsc_read();
    const void *from = vm_ram(vm, guest_counts, sizeof(struct abi_window));
    struct abi_window counts;

    if (!vm->in_window)
        return -EINVAL;
    if (!from)
        return -EFAULT;
    guest_access_begin();
    memcpy(&counts, from, sizeof counts);
    guest_access_end();
    if (!can_be(&counts))
        return -EINVAL;
    vm->window.guest = counts;
    close_window(vm, now);
    result_print(vm, &vm->window);
    vm_check_isolation(vm);
    vm_watch_start(vm); /* none of this was the guest's time */
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* The guest's DMA domain: made with the guest, or once the guest has said its floor when the quota
 * depends on that. */
#include <errno.h>
#include <string.h>
#include "kernel/mem.h"
#include "kernel/time.h"
#include "kernel/vm_parts.h"
#include "lib/fmt.h"
#include "vtd/vtd.h"

#define QUOTA_TEXT     32
#define FLUSH_AFTER_US 10000 /* how long a page may wait in a queue: Linux's time */

/* As it was asked for. */
static void quota_text(const struct quota_spec *spec, char text[QUOTA_TEXT])
{
    uint64_t kib = spec->value * (PAGE_SIZE >> 10);

    switch (spec->kind) {
    case QUOTA_NONE:
        fmt_snprintf(text, QUOTA_TEXT, "quota=none");
        return;
    case QUOTA_PERCENT:
        fmt_snprintf(text, QUOTA_TEXT, "quota=%lu%%", spec->value);
        return;
    case QUOTA_WORKING_SET:
        fmt_snprintf(text, QUOTA_TEXT, "quota=w%lu%%", spec->value);
        return;
    case QUOTA_PAGES:
        fmt_snprintf(text, QUOTA_TEXT, "quota=%lu%s", kib % 1024 ? kib : kib / 1024,
                     kib % 1024 ? "K" : "M");
        return;
    }
}

static int refuse_quota(struct vm *vm)
{
    const struct quota_spec *spec = &vm->params->quota;
    char text[QUOTA_TEXT];

    quota_text(spec, text);
    if (spec->kind == QUOTA_WORKING_SET && vm->params->working_set == 0)
        vm_end(vm, VM_END_REFUSED, 0,
               "%s is a share of the working set, which is not known: put none before it in the "
               "same list, or give wset=PAGES",
               text);
    else
        vm_end(vm, VM_END_REFUSED, 0,
               "%s is not between a page and the guest's memory of %lu pages: give a smaller one, "
               "or the guest more (mem=)",
               text, vm->ram_bytes >> PAGE_SHIFT);
    return -EINVAL;
}

/* The NIC stops at once: a dead queue cannot block it. */
int vm_dma_timed_out(struct vm *vm)
{
    vm->is_tainted = true;
    vm_end(vm, VM_END_HARDWARE, 0,
           "the IOMMU did not complete an invalidation in time, see above: the NIC is stopped, and "
           "nothing of its guest is reused");
    vm_device_quiet(vm);
    return -ETIMEDOUT;
}

struct dma_window vm_dma_window(const struct vm *vm)
{
    uint32_t pages = (uint32_t)(vm->ram_bytes >> PAGE_SHIFT);

    return vm->params->iova == &iova_identity ? dma_window_identity(iova(vm->ram_gpa.v), pages)
                                              : dma_window_apart(pages);
}

gpa_t vm_dma_flushed(const struct vm *vm)
{
    return gpa(vm->dma_ring.v + ABI_DMA_BURST * sizeof(struct abi_dma_desc));
}

/* Everything about the quota is known. */
static int create_domain(struct vm *vm)
{
    uint32_t pages = (uint32_t)(vm->ram_bytes >> PAGE_SHIFT);
    struct dma_config config = vm->params->dma;
    struct dma_space space = {.base = iova(vm->ram_gpa.v),
                              .frames = vm->ram,
                              .pages = pages,
                              .table = vm_ram(vm, vm->dma_table, pages * sizeof(uint32_t)),
                              .hw = vm->params->dma.strategy == DMA_PASSTHROUGH ? NULL : vm->hw};
    int error;

    if (dma_strategy_has_window(config.strategy))
        config.window = vm_dma_window(vm);
    vm->dma_memory_frames = align_up(dma_domain_bytes(pages, &config), PAGE_SIZE) >> PAGE_SHIFT;
    vm->dma_memory = phys_to_virt(frame_alloc_run(vm->dma_memory_frames, PAGE_SIZE));
    if (!vm->dma_memory)
        return -ENOMEM;
    config.quota = vm->quota;
    guest_access_begin();
    error = dma_domain_init(vm->dma_memory, &config, &space, &vm->dma);
    guest_access_end();
    if (error == -ETIMEDOUT)
        return vm_dma_timed_out(vm);
    if (error && error != -ENOMEM)
        vm_end(vm, VM_END_REFUSED, 0,
               "the IOMMU cannot map the guest's %lu pages from 0x%lx on (error %d): give the "
               "guest less memory (mem=)",
               vm->ram_bytes >> PAGE_SHIFT, vm->ram_gpa.v, -error);
    return error;
}

static int resolve_quota(struct vm *vm, uint64_t floor)
{
    if (quota_resolve(vm->params->quota, vm->ram_bytes >> PAGE_SHIFT, floor,
                      vm->params->working_set, &vm->quota) != 0)
        return refuse_quota(vm);
    return 0;
}

static bool waits_for_floor(const struct vm *vm)
{
    return vm->params->quota.kind == QUOTA_WORKING_SET;
}

static int create_hardware(struct vm *vm)
{
    int error;

    if (vm->params->dma.strategy == DMA_NONE)
        return 0;
    error = vtd_domain_create(vm->params->nic, &vm->hw);
    if (!error && vm->params->dma.strategy == DMA_PASSTHROUGH)
        error = vtd_domain_pass_through(vm->hw);
    if (error && error != -ENOMEM)
        vm_end(vm, VM_END_REFUSED, 0, "no DMA domain for the NIC, see above");
    return error;
}

int vm_dma_create(struct vm *vm)
{
    int error;

    if (!vm->params->nic)
        return 0;
    error = create_hardware(vm);
    if (!error)
        error = resolve_quota(vm, 0);
    if (!error && !waits_for_floor(vm))
        error = create_domain(vm);
    return error;
}

static int refuse_floor(struct vm *vm, uint64_t floor)
{
    uint64_t memory = vm->ram_bytes >> PAGE_SHIFT;
    char text[QUOTA_TEXT];

    quota_text(&vm->params->quota, text);
    if (floor > memory)
        vm_end(vm, VM_END_REFUSED, 0,
               "the guest's floor of %lu pages is above its memory of %lu pages: give it more "
               "(mem=)",
               floor, memory);
    else
        vm_end(vm, VM_END_REFUSED, 0,
               "%s is %u pages, below the guest's floor of %lu pages: use at least quota=%luK",
               text, vm->quota, floor, (uint64_t)(floor * (PAGE_SIZE >> 10)));
    return -ENOSPC;
}

int vm_dma_set_floor(struct vm *vm, uint64_t floor)
{
    int error = 0;

    if (!vm->params->nic)
        return -ENODEV;
    if (vm->floor != 0)
        return -EBUSY;
    if (floor == 0)
        return -EINVAL;
    if (floor > vm->ram_bytes >> PAGE_SHIFT)
        return refuse_floor(vm, floor);
    if (waits_for_floor(vm))
        error = resolve_quota(vm, floor);
    if (!error && !vm->dma)
        error = create_domain(vm);
    if (error)
        return error;
    vm->floor = (uint32_t)floor;
    error = dma_domain_set_floor(vm->dma, vm->floor);
    return error == -ENOSPC ? refuse_floor(vm, floor) : error;
}

static void tell_flushed(const struct vm *vm)
{
    volatile uint64_t *flushed = vm_ram(vm, vm_dma_flushed(vm), sizeof *flushed);

    *flushed = dma_domain_counters(vm->dma)->unmaps;
}

/* Copied in once and checked as copied: the guest may change the ring at any time. Of the answer
 * only the statuses go back. */
int vm_dma_map(struct vm *vm, uint64_t descriptors)
{
    struct abi_dma_desc burst[ABI_DMA_BURST], *ring;
    int error;

    if (descriptors > ABI_DMA_BURST)
        return -E2BIG;
    if (descriptors == 0 || !vm->dma)
        return -EINVAL;
    ring = vm_ram(vm, vm->dma_ring, sizeof burst);
    guest_access_begin();
    memcpy(burst, ring, descriptors * sizeof burst[0]);
    error = dma_map_burst(vm->dma, burst, (uint32_t)descriptors);
    for (uint64_t i = 0; i < descriptors; i++)
        ring[i].status = burst[i].status;
    tell_flushed(vm);
    guest_access_end();
    return error == -ETIMEDOUT ? vm_dma_timed_out(vm) : error;
}

/* Between looks nothing enters a queue, so the first that sees one knows its age. */
void vm_dma_look(struct vm *vm)
{
    uint64_t now, age;

    if (!vm->dma || !dma_domain_is_waiting(vm->dma)) {
        vm->waiting_since = 0;
        return;
    }
    now = tsc_read();
    if (vm->waiting_since == 0)
        vm->waiting_since = now;
    age = now - vm->waiting_since + us_to_tsc(1000000 / FLUSH_HZ); /* at the next look */
    if (age < us_to_tsc(FLUSH_AFTER_US))
        return;
    if (dma_domain_flush(vm->dma) == -ETIMEDOUT)
        vm_dma_timed_out(vm);
    if (!dma_domain_is_waiting(vm->dma))
        vm->waiting_since = 0;
    guest_access_begin();
    tell_flushed(vm);
    guest_access_end();
}

uint64_t vm_dma_sleep(const struct vm *vm, uint64_t us)
{
    const uint64_t look = 1000000 / FLUSH_HZ;

    return vm->dma && dma_domain_is_waiting(vm->dma) && us > look ? look : us;
}

void vm_dma_destroy(struct vm *vm)
{
    bool failed = false;

    if (vm->dma)
        failed = dma_domain_fini(vm->dma) != 0;
    if (vm->hw)
        failed |= vtd_domain_destroy(vm->hw) != 0;
    if (failed)
        vm_dma_timed_out(vm);
    if (vm->dma_memory)
        frame_free_run(virt_to_phys(vm->dma_memory), vm->dma_memory_frames);
}

/* SPDX-License-Identifier: MIT */
/* Whether the guest still lives. The timer only makes it exit; any exit may be the one that looks.
 */
#include "kernel/mem.h"
#include "kernel/progress.h"
#include "kernel/smp.h"
#include "kernel/time.h"
#include "kernel/vm_parts.h"
#include "vtd/vtd.h"

uint64_t vm_heartbeat(const struct vm *vm)
{
    const volatile uint64_t *word = vm_ram(vm, vm->heartbeat, sizeof *word);
    uint64_t beat;

    guest_access_begin();
    beat = *word;
    guest_access_end();
    return beat;
}

void vm_watch_timer(const struct vm *vm)
{
    enum dma_flush flush = vm->params->dma.flush;

    apic_timer(flush == DMA_FLUSH_DEFERRED || flush == DMA_FLUSH_PERCPU ? FLUSH_HZ : WATCH_HZ);
}

void vm_watch_start(struct vm *vm)
{
    uint64_t now = tsc_read(), last = vm->watch.last;

    if (last == 0)
        last = now + us_to_tsc(vm->params->limit_s * 1000000ull);
    vm->watch = (struct vm_watch){.beat = vm_heartbeat(vm), .since = now, .last = last};
}

static void end_hung(struct vm *vm)
{
    if (tsc_read() > vm->watch.last)
        vm_end(vm, VM_END_DEADLINE, 0,
               "the guest lives and does not come to an end within %u s (limit=), at RIP 0x%lx",
               vm->params->limit_s, vm->vcpu.regs.rip);
    else
        vm_end(vm, VM_END_DEADLINE, 0,
               "the guest's heartbeat stood still for %u ms (deadline=), at RIP 0x%lx",
               vm->params->deadline_ms, vm->vcpu.regs.rip);
    vm_report(vm);
}

/* By the clock, not by counted ticks: a guest's calls can restart the timer before it ticks. Half a
 * tick, so that none comes too early to be used. */
void vm_watch_look(struct vm *vm)
{
    struct vm_watch *w = &vm->watch;
    uint64_t now = tsc_read(), beat;

    if (now < w->look)
        return;
    w->look = now + us_to_tsc(1000000 / WATCH_HZ / 2);
    vtd_poll_faults();
    beat = vm_heartbeat(vm);
    if (beat != w->beat) {
        w->beat = beat;
        w->since = now;
    }
    if ((now - w->since > us_to_tsc(vm->params->deadline_ms * 1000ull) || now > w->last) &&
        !vm->ended)
        end_hung(vm);
    if (!vm->in_window)
        progress_look();
}

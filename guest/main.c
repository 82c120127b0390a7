/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <string.h>
#include "guest/args.h"
#include "guest/console.h"
#include "guest/hyper.h"
#include "guest/interrupt.h"
#include "guest/nic.h"
#include "guest/trace_export.h"
#include "guest/workload.h"

static const struct workload *const workloads[] = {
    &tcp_rx,         &tcp_tx,         &check_rx,         &check_tx,   &http,
    &echo,           &ping,           &loopback,         &idle,       &idle_net,
    &tcp_rr,         &memcached,      &map_ring,         &map_pool,   &map_scatter,
    &probe_unmapped, &probe_readonly, &probe_hypervisor, &probe_vtd,  &probe_evicted,
    &probe_unmap,    &probe_late,     &probe_irq,        &probe_wake, &crash_triple,
    &crash_fault,    &crash_spin,     &crash_wild,       &crash_io,   &crash_msr,
    &crash_hlt,      &crash_control,  &crash_virt,       &crash_vmx,  &hostile_dma,
    &hostile_calls,  &calibrate,      &udp_rx,           &udp_tx,
};

#define WORKLOADS (sizeof(workloads) / sizeof(workloads[0]))

_Noreturn void guest_main(const struct abi_boot *from_hypervisor);

static _Noreturn void say_workloads(const char *name)
{
    for (size_t i = 0; i < WORKLOADS; i++)
        say("  %s", workloads[i]->name);
    fail("work=%s: there is no such workload; these are there", name);
}

_Noreturn void guest_main(const struct abi_boot *from_hypervisor)
{
    char name[32];

    if (!hyper_init(from_hypervisor))
        __builtin_trap(); /* no hypercall page is known to be one: a crash is the only report */
    interrupt_start();
    args_text("work", "idle", name, sizeof(name));
    for (size_t i = 0; i < WORKLOADS; i++) {
        if (strcmp(workloads[i]->name, name) != 0)
            continue;
        int status = workloads[i]->run();

        if (status == 0)
            trace_export(name);
        nic_report();
        hyper_exit((uint64_t)status);
    }
    say_workloads(name);
}

/* SPDX-License-Identifier: MIT */
/* A workload: what work= names, one file each in guest/work/. */
#ifndef GUEST_WORKLOAD_H
#define GUEST_WORKLOAD_H

struct workload {
    const char *name;
    int (*run)(void); /* exit status, 0: it held */
};

extern const struct workload tcp_rx, tcp_tx, check_rx, check_tx, http, echo, ping, loopback, idle,
    idle_net;
extern const struct workload udp_rx, udp_tx, tcp_rr, memcached, map_ring, map_pool, map_scatter;
extern const struct workload probe_unmapped, probe_readonly, probe_hypervisor, probe_vtd,
    probe_evicted, probe_unmap, probe_late, probe_irq, probe_wake;
extern const struct workload crash_triple, crash_fault, crash_spin, crash_wild, crash_io, crash_msr,
    crash_hlt, crash_control, crash_virt, crash_vmx;
extern const struct workload hostile_dma, hostile_calls;
extern const struct workload calibrate;

#endif

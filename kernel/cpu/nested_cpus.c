/* SPDX-License-Identifier: MIT */
/*
 * What the CPUs keep of nested tables: who is inside which guest, and what each may have cached.
 * Emulators flush at every world switch, so a flush that a backend forgets shows nowhere else than
 * in these books; they are kept apart from those it decides by.
 */
#include <stdatomic.h>
#include "kernel/cpu/nested.h"
#include "kernel/panic.h"
#include "kernel/smp.h"
#include "kernel/time.h"
#include "kernel/x86.h"

#define LEAVE_US 1000000

/* Written by its own CPU alone; a cache line each. */
struct nested_cpu {
    _Alignas(64) _Atomic uint64_t switches;   /* odd: inside a guest */
    const struct nested_table *_Atomic table; /* of that guest */
    uint64_t generation;                      /* of table, at the entry */
    uint64_t flushed; /* the generation that was current at the last flush here */
    uint64_t flush;   /* number of that flush */
};

static struct nested_cpu cpus[SMP_MAX_CPUS];

uint64_t nested_enter(const struct vcpu *v, uint32_t cpu)
{
    struct nested_cpu *c = &cpus[cpu];

    atomic_store_explicit(&c->table, v->nested, memory_order_relaxed);
    /* Inside first, then the generation, with a full barrier in between: nested_unmap changes the
     * generation and then looks who is inside. So this CPU sees the new one, or is seen. */
    atomic_store(&c->switches, c->switches + 1);
    c->generation = nested_generation(v->nested);
    return c->generation;
}

void nested_leave(uint32_t cpu)
{
    struct nested_cpu *c = &cpus[cpu];

    atomic_store_explicit(&c->switches, c->switches + 1, memory_order_release);
}

void nested_flushed(struct vcpu *v, uint32_t cpu)
{
    static _Atomic uint64_t flushes;
    struct nested_cpu *c = &cpus[cpu];

    v->flush = atomic_fetch_add(&flushes, 1) + 1;
    c->flush = v->flush;
    c->flushed = c->generation;
}

void nested_check_fresh(const struct vcpu *v, uint32_t cpu)
{
    const struct nested_cpu *c = &cpus[cpu];
    uint64_t root = nested_root(v->nested).v;

    if (c->flushed != c->generation)
        panic("CPU %u enters the guest of nested table 0x%lx without a flush: flushed at "
              "generation %lu, the table is at %lu",
              cpu, root, c->flushed, c->generation);
    if (c->flush != v->flush)
        panic(
            "CPU %u enters the guest of nested table 0x%lx without a flush: it holds what another "
            "vCPU has left, or this one before it ran elsewhere (flush %lu here, its own last "
            "%lu)",
            cpu, root, c->flush, v->flush);
}

/* The one that left may be inside again already: it counts then as another. */
static void drive_out(const struct nested_table *table, uint32_t cpu)
{
    struct nested_cpu *c = &cpus[cpu];
    uint64_t switches = atomic_load(&c->switches), end;

    if (switches % 2 == 0 || atomic_load(&c->table) != table)
        return;
    end = deadline_us(LEAVE_US);
    if (smp_kick(cpu) != 0)
        panic("CPU %u can't be interrupted: its local APIC takes no order", cpu);
    while (atomic_load_explicit(&c->switches, memory_order_acquire) == switches) {
        if (deadline_passed(end))
            panic("CPU %u stays in the guest of nested table 0x%lx, %u ms after its interrupt: it "
                  "may use memory that was taken away",
                  cpu, nested_root(table).v, LEAVE_US / 1000);
        cpu_pause();
    }
}

void nested_shoot(const struct nested_table *table)
{
    /* Nobody waits for the one who waits here: who changes a table is in no guest. */
    for (uint32_t cpu = 0; cpu < SMP_MAX_CPUS; cpu++)
        drive_out(table, cpu);
}

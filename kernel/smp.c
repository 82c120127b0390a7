/* SPDX-License-Identifier: MIT */
/* Starting the other CPUs (SDM volume 3 section "MP Initialization Protocol Algorithm for MP
 * Systems") and calling functions on them. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include "kernel/apic.h"
#include "kernel/frames.h"
#include "kernel/log.h"
#include "kernel/mem.h"
#include "kernel/pagetable.h"
#include "kernel/paging.h"
#include "kernel/panic.h"
#include "kernel/percpu.h"
#include "kernel/smp.h"
#include "kernel/time.h"
#include "kernel/trap.h"
#include "kernel/x86.h"

#define INIT_US    10000
#define STARTUP_US 200
#define ONLINE_US  500000
#define CALL_US    1000000

/* boot/trampoline.asm has the offsets. stack is taken by the CPU that starts; 0: taken, or
 * withdrawn. */
struct ap_start {
    uint64_t tables;
    _Atomic uint32_t stack;
    uint32_t cpu;
    void *tops[BOOT_STACKS];
};

_Static_assert(offsetof(struct ap_start, stack) == 8, "boot/trampoline.asm");

extern const uint8_t ap_trampoline[], ap_trampoline_end[];
extern struct ap_start ap_start;
void ap_main(void); /* from boot/trampoline.asm */

struct ap_start ap_start;
static uint32_t online = 1;

uint32_t smp_cpu(void)
{
    return (uint32_t)(percpu_this() - percpus);
}

static void serve_call(struct trap_frame *frame)
{
    (void)frame; /* it ended the hlt, or a guest's run, that is all: park looks at the mailbox */
    apic_eoi();
}

/* Interrupts are on during hlt alone: what is called runs with them off. */
static noreturn void park(struct percpu *self)
{
    struct mailbox *box = &self->mailbox;

    for (;;) {
        interrupts_off();
        if (atomic_load_explicit(&box->state, memory_order_acquire) != MAILBOX_FULL) {
            __asm__ volatile("sti; hlt" ::: "memory"); /* no gap: sti holds for one instruction */
            continue;
        }
        write_cr3(read_cr3()); /* the boot CPU may have changed the tables since */
        box->fn(box->arg);
        atomic_store_explicit(&box->state, MAILBOX_DONE, memory_order_release);
    }
}

void ap_main(void)
{
    struct percpu *self = &percpus[ap_start.cpu];

    percpu_load(self, ap_start.tops);
    trap_load_idt();
    paging_init_cpu();
    if (apic_init_cpu() == 0)
        atomic_store_explicit(&self->online, true, memory_order_release);
    park(self);
}

static bool came_online(struct percpu *cpu, uint64_t us)
{
    uint64_t end = deadline_us(us);

    while (!atomic_load_explicit(&cpu->online, memory_order_acquire)) {
        if (deadline_passed(end))
            return false;
        cpu_pause();
    }
    return true;
}

static int prepare(uint32_t index)
{
    for (unsigned i = 0; i < BOOT_STACKS; i++) {
        ap_start.tops[i] = stack_alloc(STACK_BYTES);
        if (ap_start.tops[i] == NULL)
            return -ENOMEM;
        ASSERT((uint64_t)ap_start.tops[i] <= UINT32_MAX); /* 32-bit code loads it */
    }
    ap_start.cpu = index;
    ap_start.tables = pagetable_root().v;
    atomic_store(&ap_start.stack, (uint32_t)(uint64_t)ap_start.tops[STACK_MAIN]);
    return 0;
}

/* false: it did not come, and can no longer come by this start. */
static bool start(struct percpu *cpu, uint8_t page)
{
    uint32_t id = cpu->apic_id;

    if (apic_send_init(id) != 0)
        return false;
    delay_us(INIT_US);
    if (apic_send_startup(id, page) == 0 && came_online(cpu, STARTUP_US))
        return true;
    /* The second startup IPI is the protocol's: some CPUs miss the first. */
    if (apic_send_startup(id, page) == 0 && came_online(cpu, ONLINE_US))
        return true;
    if (atomic_exchange(&ap_start.stack, 0) != 0)
        return false;
    /* It has begun, only late: once more, so that it does not run on what the next one is given. */
    if (came_online(cpu, ONLINE_US))
        return true;
    apic_send_init(id);
    delay_us(INIT_US);
    return false;
}

static void start_one(uint32_t id, uint8_t page)
{
    struct percpu *cpu = &percpus[online];

    cpu->apic_id = id;
    if (!apic_can_reach(id)) {
        log_warn("smp", "the CPU with APIC id %u needs x2APIC mode: left alone", id);
    } else if (prepare(online) != 0) {
        log_warn("smp", "no memory for the stacks of the CPU with APIC id %u: left alone", id);
    } else if (!start(cpu, page)) {
        log_error("smp", "the CPU with APIC id %u did not start within %u ms: going on without it",
                  id, ONLINE_US / 1000);
    } else {
        log_debug("smp", "CPU %u is APIC id %u", online, id);
        online++;
    }
}

/* Puts the trampoline below 1 MiB. Mapped only to be written: a starting CPU uses no paging yet. */
static hpa_t place_trampoline(void)
{
    hpa_t page = frames_low_page();

    if (page.v == 0 || paging_map_page(page, PAGING_READ_WRITE) != 0) {
        log_warn("smp", "no page of RAM below 640 KiB: the other CPUs stay off");
        return hpa(0);
    }
    memcpy(phys_to_virt(page), ap_trampoline, (size_t)(ap_trampoline_end - ap_trampoline));
    paging_unmap_page(page);
    return page;
}

uint32_t smp_start(const struct acpi_madt *madt)
{
    uint32_t boot_id = apic_id();
    hpa_t page;

    percpus[0].online = true;
    trap_set_handler(TRAP_CALL, serve_call);
    if (madt->cpus <= 1)
        return online;
    page = place_trampoline();
    for (uint32_t i = 0; i < madt->cpus && page.v != 0 && online < SMP_MAX_CPUS; i++)
        if (madt->apic_id[i] != boot_id)
            start_one(madt->apic_id[i], (uint8_t)(page.v >> PAGE_SHIFT));
    log_info("smp", "%u of %u CPUs are up", online, madt->cpus);
    return online;
}

/* Until the mailbox goes from state from to state to, by this CPU. */
static bool advance(struct mailbox *box, enum mailbox_state from, enum mailbox_state to,
                    uint64_t end)
{
    for (;;) {
        enum mailbox_state expected = from;

        if (atomic_compare_exchange_strong(&box->state, &expected, to))
            return true;
        if (deadline_passed(end))
            return false;
        cpu_pause();
    }
}

int smp_post(uint32_t cpu, void (*fn)(void *), void *arg)
{
    struct mailbox *box;

    if (cpu == 0 || cpu >= online)
        return -ENODEV;
    box = &percpus[cpu].mailbox;
    if (!advance(box, MAILBOX_FREE, MAILBOX_FILLING, deadline_us(CALL_US)))
        return -ETIMEDOUT;
    box->fn = fn;
    box->arg = arg;
    atomic_store_explicit(&box->state, MAILBOX_FULL, memory_order_release);
    return apic_send_vector(percpus[cpu].apic_id, TRAP_CALL);
}

int smp_wait(uint32_t cpu, uint64_t us)
{
    struct mailbox *box = &percpus[cpu].mailbox;

    return advance(box, MAILBOX_DONE, MAILBOX_FREE, deadline_us(us)) ? 0 : -ETIMEDOUT;
}

int smp_call(uint32_t cpu, void (*fn)(void *), void *arg)
{
    int error;

    if (cpu == smp_cpu()) {
        fn(arg);
        return 0;
    }
    error = smp_post(cpu, fn, arg);
    return error ? error : smp_wait(cpu, CALL_US);
}

int smp_kick(uint32_t cpu)
{
    return apic_send_vector(percpus[cpu].apic_id, TRAP_CALL);
}

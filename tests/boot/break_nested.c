/* SPDX-License-Identifier: MIT */
/*
 * A hypervisor that, in place of its cases, takes a page from guests that run on two CPUs: seed=
 * says how, and what it leaves out. The guests are a few instructions that copy a word of one page
 * to another page for ever.
 */
#include <stdatomic.h>
#include <string.h>
#include "kernel/cases.h"
#include "kernel/cpu/nested.h"
#include "kernel/log.h"
#include "kernel/mem.h"
#include "kernel/smp.h"
#include "kernel/time.h"
#include "kernel/x86.h"

enum deed {
    ONE_UNMAP,
    STORM,          /* CPU 0 takes a page from a guest on CPU 1, again and again */
    BOTH_WAYS,      /* and CPU 1 from a guest on CPU 0 */
    NO_SHOOTDOWN,   /* ONE_UNMAP without */
    NO_KICK,        /* ONE_UNMAP, but the other CPU is not interrupted */
    STALE_ENTRY,    /* the backend is not told that the table has changed */
    ANOTHERS_ENTRY, /* two guests on a CPU, and the second flush is left out */
};

#define GOOD     0x900d
#define POISON   0xbad
#define ROUNDS   2000u
#define TICKS_HZ 700
#define WAIT_US  5000000u
#define STALE_US 100000u

#define GUEST_ROOT   0x1000ull
#define GUEST_DATA   0x5000ull
#define GUEST_OUTPUT 0x6000ull
#define GUEST_CODE   0x4000ull
#define GUEST_STEP   0x4100ull

enum exit_code __wrap_cases_run(const struct options *o, const struct boot_module *image,
                                struct pci_function *nic, const struct cpu_ops *cpu);
void __real_nested_shoot(const struct nested_table *table);
void __wrap_nested_shoot(const struct nested_table *table);
int __real_smp_kick(uint32_t cpu);
int __wrap_smp_kick(uint32_t cpu);
uint64_t __real_nested_enter(const struct vcpu *v, uint32_t cpu);
uint64_t __wrap_nested_enter(const struct vcpu *v, uint32_t cpu);
void __real_nested_flushed(struct vcpu *v, uint32_t cpu);
void __wrap_nested_flushed(struct vcpu *v, uint32_t cpu);

struct guest {
    struct nested_table *table;
    struct vcpu vcpu;
    hpa_t data_frame;
    volatile uint64_t *data,
        *output; /* output: the word last seen, and how often it was looked at */
    struct cpu_exit exit;
    atomic_bool stop;
};

static const struct cpu_ops *ops;
static enum deed deed;
static atomic_uint kicks, flushes;
static struct guest guests[2];

void __wrap_nested_shoot(const struct nested_table *table)
{
    if (deed != NO_SHOOTDOWN)
        __real_nested_shoot(table);
}

int __wrap_smp_kick(uint32_t cpu)
{
    kicks++;
    return deed == NO_KICK ? 0 : __real_smp_kick(cpu);
}

uint64_t __wrap_nested_enter(const struct vcpu *v, uint32_t cpu)
{
    uint64_t generation = __real_nested_enter(v, cpu);

    return deed == STALE_ENTRY ? 1 : generation;
}

void __wrap_nested_flushed(struct vcpu *v, uint32_t cpu)
{
    if (deed != ANOTHERS_ENTRY || flushes++ == 0)
        __real_nested_flushed(v, cpu);
}

static void *give_page(struct guest *g, uint64_t at)
{
    hpa_t frame = frame_alloc();

    ASSERT(frame.v != 0);
    ASSERT(nested_map(g->table, gpa(at), frame, PAGE_SIZE, NESTED_READ | NESTED_WRITE | NESTED_EXEC,
                      PAGE_SIZE, false) == 0);
    return phys_to_virt(frame);
}

/* mov rax, [GUEST_DATA]; mov [GUEST_OUTPUT], rax; inc qword [GUEST_OUTPUT + 8]; and again. */
static const uint8_t endless[] = {0x48, 0x8b, 0x04, 0x25, 0x00, 0x50, 0x00, 0x00, 0x48,
                                  0x89, 0x04, 0x25, 0x00, 0x60, 0x00, 0x00, 0x48, 0xff,
                                  0x04, 0x25, 0x08, 0x60, 0x00, 0x00, 0xeb, 0xe6};
/* The same with a CPUID, which exits, before the jump. */
static const uint8_t step[] = {0x0f, 0xa2, 0xeb, 0xe4};

static void make_guest(struct guest *g, uint64_t entry)
{
    struct cpu_state state;
    uint64_t *table;
    uint8_t *code;

    ASSERT(nested_create(ops->nested_format(), &g->table) == 0);
    for (uint64_t at = GUEST_ROOT; at < GUEST_ROOT + 2 * PAGE_SIZE; at += PAGE_SIZE) {
        table = give_page(g, at);
        table[0] = (at + PAGE_SIZE) | 3;
    }
    table = give_page(g, GUEST_ROOT + 2 * PAGE_SIZE);
    table[0] = 0x83; /* 2 MiB, one to one */
    code = give_page(g, GUEST_CODE);
    memcpy(code, endless, sizeof endless);
    memcpy(code + (GUEST_STEP - GUEST_CODE), endless, sizeof endless - 2);
    memcpy(code + (GUEST_STEP - GUEST_CODE) + sizeof endless - 2, step, sizeof step);
    g->data = give_page(g, GUEST_DATA);
    g->data_frame = virt_to_phys((const void *)g->data);
    g->output = give_page(g, GUEST_OUTPUT);
    g->data[0] = GOOD;

    g->vcpu = (struct vcpu){.nested = g->table};
    ASSERT(ops->vcpu_init(&g->vcpu) == 0);
    ops->get_state(&g->vcpu, &state);
    state.cr3 = GUEST_ROOT;
    ops->set_state(&g->vcpu, &state);
    g->vcpu.regs.rip = entry;
}

static void enable(void *ignored)
{
    (void)ignored;
    ASSERT(ops->enable() == 0);
}

static void run_once(struct guest *g)
{
    ops->run(&g->vcpu, &g->exit);
    if (g->exit.reason == CPU_EXIT_CPUID)
        g->vcpu.regs.rip += g->exit.length;
}

/* Until it reaches for what it does not have. */
static void run_to_fault(void *arg)
{
    struct guest *g = arg;

    do
        run_once(g);
    while (g->exit.reason == CPU_EXIT_HOST_INTERRUPT);
}

static void run_to_stop(void *arg)
{
    struct guest *g = arg;

    while (!g->stop)
        run_once(g);
}

static void give_back(struct guest *g)
{
    ASSERT(nested_map(g->table, gpa(GUEST_DATA), g->data_frame, PAGE_SIZE, NESTED_READ, PAGE_SIZE,
                      false) == 0);
}

/* Whether the guest has looked at its page once more within us. */
static bool looks(const struct guest *g, uint64_t us)
{
    uint64_t seen = g->output[1], end = deadline_us(us);

    for (; g->output[1] == seen; cpu_pause())
        if (deadline_passed(end))
            return false;
    return true;
}

/* What is written once the unmap is complete the guest must never see. */
static bool sees_poison(const struct guest *g, uint64_t us)
{
    uint64_t end = deadline_us(us);

    g->data[0] = POISON;
    for (; !deadline_passed(end); cpu_pause())
        if (g->output[0] == POISON)
            return true;
    return g->output[0] == POISON;
}

static void unmap_once(void)
{
    struct guest *g = &guests[0];

    make_guest(g, GUEST_CODE);
    ASSERT(smp_post(1, run_to_fault, g) == 0);
    ASSERT(looks(g, WAIT_US));
    nested_unmap(g->table, gpa(GUEST_DATA), PAGE_SIZE);
    if (sees_poison(g, STALE_US)) {
        log_error("test", "the guest still reads the page that was taken from it");
        return;
    }
    ASSERT(smp_wait(1, WAIT_US) == 0);
    log_info("test", "the guest left: %s at 0x%lx, %u kicks", cpu_exit_name(g->exit.reason),
             g->exit.nested.address.v, kicks);
}

/* Takes the page of g and gives it back; g runs on another CPU. */
static void take_turns(struct guest *g)
{
    nested_unmap(g->table, gpa(GUEST_DATA), PAGE_SIZE);
    ASSERT(!sees_poison(g, 0));
    ASSERT(!sees_poison(g, 10));
    g->data[0] = GOOD;
    give_back(g);
}

static void storm(void)
{
    struct guest *g = &guests[0];

    make_guest(g, GUEST_CODE);
    ASSERT(smp_post(1, run_to_stop, g) == 0);
    for (unsigned i = 0; i < ROUNDS; i++) {
        ASSERT(looks(g, WAIT_US));
        take_turns(g);
    }
    g->stop = true;
    nested_unmap(g->table, gpa(GUEST_DATA), PAGE_SIZE);
    ASSERT(smp_wait(1, WAIT_US) == 0);
    log_info("test", "%u rounds held, %u kicks", ROUNDS, kicks);
}

/* Runs the guest of its own and takes the page of the other CPU's. */
static void trade(void *arg)
{
    struct guest *own = arg, *others = own == &guests[0] ? &guests[1] : &guests[0];

    /* Ends the run where the other one does not; not in step with the other one's. */
    apic_timer(TICKS_HZ * (2 + smp_cpu()));
    for (unsigned i = 0; i < ROUNDS; i++) {
        do
            run_once(own);
        while (own->exit.reason == CPU_EXIT_NESTED_FAULT);
        take_turns(others);
    }
    apic_timer(0);
}

static void both_ways(void)
{
    make_guest(&guests[0], GUEST_CODE);
    make_guest(&guests[1], GUEST_CODE);
    ASSERT(smp_post(1, trade, &guests[1]) == 0);
    trade(&guests[0]);
    ASSERT(smp_wait(1, WAIT_US) == 0);
    log_info("test", "%u rounds held, %u kicks", 2 * ROUNDS, kicks);
}

static void enter_again(void)
{
    make_guest(&guests[0], GUEST_STEP);
    run_once(&guests[0]);
    nested_unmap(guests[0].table, gpa(GUEST_DATA), PAGE_SIZE);
    run_once(&guests[0]);
}

static void enter_another(void)
{
    for (unsigned i = 0; i < 2; i++) {
        make_guest(&guests[i], GUEST_STEP);
        run_once(&guests[i]);
    }
}

enum exit_code __wrap_cases_run(const struct options *o, const struct boot_module *image,
                                struct pci_function *nic, const struct cpu_ops *cpu)
{
    static void (*const deeds[])(void) = {
        [ONE_UNMAP] = unmap_once,        [STORM] = storm,        [BOTH_WAYS] = both_ways,
        [NO_SHOOTDOWN] = unmap_once,     [NO_KICK] = unmap_once, [STALE_ENTRY] = enter_again,
        [ANOTHERS_ENTRY] = enter_another};

    (void)image;
    (void)nic;
    ops = cpu;
    deed = (enum deed)o->seed;
    ASSERT(o->seed < sizeof deeds / sizeof deeds[0]);
    ASSERT(smp_call(1, enable, NULL) == 0);
    deeds[deed]();
    return EXIT_OK;
}

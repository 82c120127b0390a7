/* SPDX-License-Identifier: MIT */
/* Several vCPUs, and several CPUs: each has its own memory, and no translation of another's. */
#include "kernel/mem.h"
#include "kernel/smp.h"
#include "kernel/time.h"
#include "kernel/x86.h"
#include "tests/cpu/test.h"

#define WAIT_US 3000000
#define SOON_US 1000000

#define DECLARE(name) extern const uint8_t guest_##name[]
DECLARE(count);
DECLARE(follow);
DECLARE(load);

static uint64_t *word_of(struct guest *g)
{
    return guest_at(g, GUEST_DATA);
}

/* The same addresses in both, guest-virtual and guest-physical. */
static void in_turn_on_one_cpu(struct guest *g)
{
    struct guest other;

    if (guest_create(&other)) {
        *word_of(g) = 1;
        *word_of(&other) = 2;
        guest_start(g, guest_load);
        guest_start(&other, guest_load);
        for (unsigned i = 0; i < 4; i++) {
            test_row("turn %u", i);
            test_point(__FILE__, __LINE__, g, 1);
            test_equal(__FILE__, __LINE__, "the first one's word", g->vcpu.regs.rbx, 1);
            test_point(__FILE__, __LINE__, &other, 1);
            test_equal(__FILE__, __LINE__, "the second one's word", other.vcpu.regs.rbx, 2);
        }
    }
    guest_destroy(&other);
}

/* Another frame under the same address, between two runs. */
static void a_page_remapped(struct guest *g)
{
    hpa_t frame = frame_alloc();

    *word_of(g) = 1;
    *(uint64_t *)phys_to_virt(frame) = 2;
    guest_start(g, guest_load);
    test_point(__FILE__, __LINE__, g, 1);
    test_equal(__FILE__, __LINE__, "the word before", g->vcpu.regs.rbx, 1);
    nested_unmap(g->nested, gpa(GUEST_DATA), PAGE_SIZE);
    test_exit(__FILE__, __LINE__, g, CPU_EXIT_NESTED_FAULT);
    nested_map(g->nested, gpa(GUEST_DATA), frame, PAGE_SIZE, NESTED_READ, PAGE_SIZE, false);
    test_point(__FILE__, __LINE__, g, 1);
    test_equal(__FILE__, __LINE__, "the word after", g->vcpu.regs.rbx, 2);
    frame_free(frame);
}

/* A guest that ran here is gone, and its frames may come back as another one's. */
static void after_one_that_is_gone(struct guest *g)
{
    for (unsigned i = 0; i < 3; i++) {
        test_row("guest %u", i);
        *word_of(g) = 100 + i;
        guest_start(g, guest_load);
        EXPECT_POINT(g, 1);
        EXPECT_EQ(g->vcpu.regs.rbx, 100 + i);
        guest_destroy(g);
        EXPECT(guest_create(g));
    }
}

static void run_watching(void *arg)
{
    struct guest *g = arg;

    guest_run(g);
}

/* Turns of the guest's loop: it is inside. */
static bool comes_inside(struct guest *g)
{
    const volatile uint64_t *turns = guest_at(g, GUEST_DATA + PAGE_SIZE);
    uint64_t before = *turns, end = deadline_us(SOON_US);

    while (*turns - before < 100)
        if (deadline_passed(end))
            return false;
    return true;
}

/* Where it ran: the processor there may still hold some of it. */
static void destroy(void *arg)
{
    guest_destroy(arg);
}

static void is_at_point(struct guest *g)
{
    EXPECT_EQ(g->exit.reason, CPU_EXIT_IO);
    EXPECT_EQ(g->exit.io.port, GUEST_PORT_POINT + 1);
}

/* One runs on the second CPU, another one here meanwhile. */
static void two_at_once(struct guest *g)
{
    struct guest other;
    volatile uint64_t *word;

    EXPECT(guest_create(&other));
    word = word_of(&other);
    guest_start(&other, guest_follow);
    *word_of(g) = 1;
    guest_start(g, guest_load);
    test_equal(__FILE__, __LINE__, "the other CPU begins",
               (uint64_t)smp_post(1, run_watching, &other), 0);
    test_true(__FILE__, __LINE__, "the other guest runs", comes_inside(&other));
    for (unsigned i = 0; i < 10; i++)
        test_point(__FILE__, __LINE__, g, 1);
    test_equal(__FILE__, __LINE__, "this one's word", g->vcpu.regs.rbx, 1);
    *word = 7;
    test_equal(__FILE__, __LINE__, "the other CPU ends", (uint64_t)smp_wait(1, WAIT_US), 0);
    is_at_point(&other);
    test_equal(__FILE__, __LINE__, "the other one's word", other.vcpu.regs.rbx, 7);
    test_equal(__FILE__, __LINE__, "the destruction", (uint64_t)smp_call(1, destroy, &other), 0);
}

/* When the unmap returns, the frame may be anybody's: no write of the guest reaches it any more,
 * although it was inside, with the translation cached. */
static void an_unmap_drives_out(struct guest *g)
{
    volatile uint64_t *word = word_of(g);
    uint64_t end;

    guest_start(g, guest_count);
    EXPECT_EQ(smp_post(1, run_watching, g), 0);
    end = deadline_us(SOON_US);
    while (*word < 1000 && !deadline_passed(end))
        cpu_pause();
    nested_unmap(g->nested, gpa(GUEST_DATA), PAGE_SIZE);
    *word = 0;
    delay_us(20000);
    test_equal(__FILE__, __LINE__, "the word, 20 ms after the unmap", *word, 0);
    test_equal(__FILE__, __LINE__, "the other CPU ends", (uint64_t)smp_wait(1, WAIT_US), 0);
    test_equal(__FILE__, __LINE__, "the exit", g->exit.reason, CPU_EXIT_NESTED_FAULT);
    test_equal(__FILE__, __LINE__, "its address", g->exit.nested.address.v, GUEST_DATA);
    test_equal(__FILE__, __LINE__, "the destruction", (uint64_t)smp_call(1, destroy, g), 0);
    test_true(__FILE__, __LINE__, "another guest", guest_create(g));
}

static const struct test_case cases[] = {
    CASE(in_turn_on_one_cpu),          CASE(a_page_remapped),
    CASE(after_one_that_is_gone),      CASE_CPUS(2, two_at_once),
    CASE_CPUS(2, an_unmap_drives_out),
};

GROUP(vcpus);

/* SPDX-License-Identifier: MIT */
/* A hypervisor that does, in place of its cases, one thing it must not do: seed= says which. */
#include "kernel/cases.h"
#include "kernel/mem.h"
#include "kernel/smp.h"

enum exit_code __wrap_cases_run(const struct options *o, const struct boot_module *image,
                                struct pci_function *nic, const struct cpu_ops *cpu);
void broken_write_text(void);
void broken_run_data(void);
void broken_read_null(void);
void broken_reach_guest(void);
void broken_touch(uint8_t *at);
void broken_fill_stack(void);
void broken_second_cpu(void *ignored);

/* volatile: the compiler must not see through these. */
static void *volatile text = (void *)broken_write_text;
static uint8_t code[] = {0xc3};
static uint8_t *volatile nowhere;

void broken_write_text(void)
{
    *(volatile uint8_t *)text = 0;
}

void broken_run_data(void)
{
    void *volatile data = code;

    ((void (*)(void))data)();
}

void broken_read_null(void)
{
    (void)*(volatile uint8_t *)nowhere;
}

/* Guest RAM outside of guest_access_begin and _end. */
void broken_reach_guest(void)
{
    hpa_t frame = frame_alloc();

    ASSERT(map_guest(frame, PAGE_SIZE) == 0);
    *(volatile uint8_t *)phys_to_virt(frame) = 1;
}

void broken_touch(uint8_t *at)
{
    *(volatile uint8_t *)at = 1;
}

void broken_fill_stack(void)
{
    uint8_t here[PAGE_SIZE];

    for (unsigned i = 0; i < 64; i++)
        broken_touch(here - i * PAGE_SIZE);
}

void broken_second_cpu(void *ignored)
{
    (void)ignored;
    broken_read_null();
}

enum exit_code __wrap_cases_run(const struct options *o, const struct boot_module *image,
                                struct pci_function *nic, const struct cpu_ops *cpu)
{
    static void (*const broken[])(void) = {broken_write_text, broken_run_data, broken_read_null,
                                           broken_reach_guest, broken_fill_stack};
    const uint64_t count = sizeof broken / sizeof broken[0];

    (void)image;
    (void)nic;
    (void)cpu;
    if (o->seed < count)
        broken[o->seed]();
    else if (o->seed == count)
        (void)smp_call(1, broken_second_cpu, NULL);
    else
        panic("seed %lu is asked for", o->seed);
    return EXIT_OK;
}

/* SPDX-License-Identifier: MIT */
/*
 * A hypervisor that, in place of its cases, lets a device that nobody was given do a DMA: QEMU's
 * edu (its docs/specs/edu.rst), which reads 8 bytes of memory at seed=.
 */
#include <errno.h>
#include "drivers/env.h"
#include "kernel/cases.h"
#include "kernel/log.h"
#include "kernel/mem.h"
#include "kernel/time.h"
#include "vtd/vtd.h"

#define EDU_VENDOR      0x1234
#define EDU_DEVICE      0x11e8
#define EDU_SOURCE      0x80
#define EDU_DESTINATION 0x88
#define EDU_COUNT       0x90
#define EDU_COMMAND     0x98
#define EDU_BUFFER      0x40000
#define EDU_START       1

enum exit_code __wrap_cases_run(const struct options *o, const struct boot_module *image,
                                struct pci_function *nic, const struct cpu_ops *cpu);

static struct pci_function *find_edu(void)
{
    for (uint32_t i = 0; i < pci_functions(); i++)
        if (pci_function(i)->vendor == EDU_VENDOR && pci_function(i)->device == EDU_DEVICE)
            return pci_function(i);
    panic("no edu device");
}

static void read_memory(volatile void *edu, uint64_t address)
{
    uint64_t end = deadline_us(2000000);

    mmio_write64(edu, EDU_SOURCE, address);
    mmio_write64(edu, EDU_DESTINATION, EDU_BUFFER);
    mmio_write64(edu, EDU_COUNT, 8);
    mmio_write64(edu, EDU_COMMAND, EDU_START);
    while (mmio_read64(edu, EDU_COMMAND) & EDU_START)
        if (deadline_passed(end))
            panic("the edu device does not finish");
}

enum exit_code __wrap_cases_run(const struct options *o, const struct boot_module *image,
                                struct pci_function *nic, const struct cpu_ops *cpu)
{
    struct pci_function *edu = find_edu();
    volatile void *registers = map_mmio(edu->bar[0].base, edu->bar[0].bytes);

    (void)image;
    (void)nic;
    (void)cpu;
    pci_memory(edu, true);
    pci_bus_master(edu, true);
    read_memory(registers, o->seed);
    vtd_poll_faults();
    log_info("edu", "read 0x%lx: %lu faults", o->seed, vtd_faults());
    return EXIT_OK;
}

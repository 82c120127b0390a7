/* SPDX-License-Identifier: MIT */
/* What a guest must not do, one way each: every one has to end in the hypervisor's report of a
 * crash. Coming back from it is the failure. */
#include <stddef.h>
#include <stdint.h>
#include "drivers/env.h"
#include "guest/args.h"
#include "guest/console.h"
#include "guest/far.h"
#include "guest/hyper.h"
#include "guest/workload.h"

static int survived(const char *what)
{
    say("%s: nothing stopped it", what);
    return 1;
}

static int triple(void)
{
    struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } nothing = {0, 0};

    __asm__ volatile("lidt %0; int3" ::"m"(nothing));
    return survived("crash_triple");
}

/* A NULL pointer: page 0 is in no table of the guest's. With irq=msi the guest has handlers, and
 * has to report this one itself. */
static int fault(void)
{
    volatile uint64_t *volatile nowhere = (volatile uint64_t *)8;

    *nowhere = 0;
    return survived("crash_fault");
}

static _Noreturn int spin(void)
{
    for (;;)
        __asm__ volatile("pause");
}

/* By the guest's own tables to address=, by default behind the guest's RAM: the access meets the
 * nested table. */
static int wild(void)
{
    uint64_t address = args_number("address", boot->ram_base + boot->ram_bytes + (16u << 20));
    volatile uint64_t *there = far_at(address);

    say("crash_wild: writes 0x%zx", (size_t)address);
    *there = 0;
    return survived("crash_wild");
}

/* PCI configuration space: with it a guest could move any device's registers. */
static int io(void)
{
    port_out32((uint16_t)args_number("port", 0xcf8), 0x80000000u);
    return survived("crash_io");
}

/* IA32_APIC_BASE: where the APIC's registers lie. */
static int msr(void)
{
    uint32_t index = (uint32_t)args_number("msr", 0x1b);

    __asm__ volatile("wrmsr" ::"c"(index), "a"(0xfee00000u), "d"(0u));
    return survived("crash_msr");
}

/* With interrupts off, for ever. */
static int hlt(void)
{
    __asm__ volatile("cli; hlt");
    return survived("crash_hlt");
}

static int control(void)
{
    uint64_t cr0;

    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    __asm__ volatile("mov %0, %%cr0" ::"r"(cr0 & ~0x80000000ULL));
    return survived("crash_control");
}

static int virt(void)
{
    __asm__ volatile("vmrun" ::"a"(boot->heap_base));
    return survived("crash_virt");
}

static int vmx(void)
{
    __asm__ volatile("vmxoff" ::: "cc");
    return survived("crash_vmx");
}

const struct workload crash_triple = {"crash_triple", triple};
const struct workload crash_fault = {"crash_fault", fault};
const struct workload crash_spin = {"crash_spin", spin};
const struct workload crash_wild = {"crash_wild", wild};
const struct workload crash_io = {"crash_io", io};
const struct workload crash_msr = {"crash_msr", msr};
const struct workload crash_hlt = {"crash_hlt", hlt};
const struct workload crash_control = {"crash_control", control};
const struct workload crash_virt = {"crash_virt", virt};
const struct workload crash_vmx = {"crash_vmx", vmx};

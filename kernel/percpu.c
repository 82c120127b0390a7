/* SPDX-License-Identifier: MIT */
#include "kernel/percpu.h"

#define GDT_CODE      0x00af9b000000ffffull /* 64-bit, present, readable, accessed */
#define GDT_DATA      0x00cf93000000ffffull
#define GDT_TSS       0x0000890000000000ull /* present, available 64-bit TSS */
#define GDT_TSS_LIMIT (sizeof(struct tss) - 1)

struct percpu percpus[SMP_MAX_CPUS] __attribute__((aligned(PAGE_SIZE)));

struct descriptor_register {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

static void fill_gdt(struct percpu *cpu)
{
    uint64_t tss = (uint64_t)&cpu->tss;

    cpu->gdt[SELECTOR_CODE / 8] = GDT_CODE;
    cpu->gdt[SELECTOR_DATA / 8] = GDT_DATA;
    cpu->gdt[SELECTOR_TSS / 8] =
        GDT_TSS | GDT_TSS_LIMIT | (tss & 0xffffff) << 16 | (tss >> 24 & 0xff) << 56;
    cpu->gdt[SELECTOR_TSS / 8 + 1] = tss >> 32;
}

void percpu_load(struct percpu *cpu, void *const tops[BOOT_STACKS])
{
    struct descriptor_register gdtr = {sizeof(cpu->gdt) - 1, (uint64_t)cpu->gdt};

    for (unsigned i = STACK_DOUBLE_FAULT; i < BOOT_STACKS; i++)
        cpu->tss.ist[i - 1] = (uint64_t)tops[i]; /* IST 1 is ist[0] */
    cpu->tss.io_map = sizeof(cpu->tss);          /* none */
    fill_gdt(cpu);
    __asm__ volatile("lgdt %0\n\t"
                     "pushq %1\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\n\t"
                     "movl %2, %%eax\n\t"
                     "movl %%eax, %%ds\n\t"
                     "movl %%eax, %%es\n\t"
                     "movl %%eax, %%ss\n\t"
                     "movl %3, %%eax\n\t"
                     "ltr %%ax"
                     :
                     : "m"(gdtr), "i"(SELECTOR_CODE), "i"(SELECTOR_DATA), "i"(SELECTOR_TSS)
                     : "rax", "memory");
}

struct percpu *percpu_this(void)
{
    struct descriptor_register gdtr;
    uint64_t offset;

    __asm__ volatile("sgdt %0" : "=m"(gdtr));
    offset = gdtr.base - (uint64_t)percpus;
    /* Before percpu_load there is only the boot CPU. */
    return offset < sizeof(percpus) ? &percpus[offset / sizeof(percpus[0])] : &percpus[0];
}

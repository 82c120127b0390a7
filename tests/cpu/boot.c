/* SPDX-License-Identifier: MIT */
/* In place of kernel/main.c and cases.c: the product's own boot as far as its CPUs, and then the
 * cases that work= names. Neither a guest image nor a NIC nor VT-d is needed. */
#include <string.h>
#include "drivers/uart.h"
#include "kernel/acpi.h"
#include "kernel/bootinfo.h"
#include "kernel/cpu/cpu.h"
#include "kernel/log.h"
#include "kernel/mem.h"
#include "kernel/options.h"
#include "kernel/panic.h"
#include "kernel/smp.h"
#include "kernel/time.h"
#include "kernel/trap.h"
#include "kernel/x86.h"
#include "tests/cpu/bench.h"
#include "tests/cpu/coverage.h"
#include "tests/cpu/memory.h"
#include "tests/cpu/test.h"

/* As a firmware may leave it. SDM volume 3, section 24.7. */
#define FEATURE_CONTROL 0x3au
#define FEATURE_LOCKED  1u

/* From boot/entry.asm. */
void kernel_main(uint32_t magic, uint32_t info);

static struct boot_info boot;
static struct options options;
static struct acpi_madt madt;

#define refuse(...)                     \
    do {                                \
        log_error("test", __VA_ARGS__); \
        leave(EXIT_REFUSED);            \
    } while (0)

static noreturn void leave(enum exit_code code)
{
    coverage_dump();
    machine_exit(code);
}

static void read_settings(uint32_t magic, uint32_t info)
{
    char error[OPTIONS_ERROR_TEXT];

    if (boot_info_read(magic, info, &boot) != 0)
        refuse("the boot loader's information is damaged");
    if (options_parse(boot.cmdline, &options, error) != 0)
        refuse("%s", error);
}

static void read_madt(void)
{
    char error[ACPI_ERROR_TEXT];
    const void *table;
    uint32_t bytes;

    if (acpi_init(boot.rsdp, error) != 0 || acpi_find("APIC", &table, &bytes, error) != 0 ||
        acpi_parse_madt(table, bytes, &madt, error) != 0)
        refuse("ACPI: %s", error);
}

static void enable(void *result)
{
    *(int *)result = cpu->enable();
}

static void start_cpus(void)
{
    const char *why = "";
    bool native = strcmp(options.list[DIM_GUEST].value[0], "native") == 0;

    cpus = smp_start(&madt);
    if (strcmp(options.list[DIM_WORK].value[0], "locked_off") == 0)
        wrmsr(FEATURE_CONTROL, FEATURE_LOCKED);
    cpu = native ? &native_ops : cpu_select(&why);
    if (cpu == NULL)
        refuse("no hardware virtualization: %s", why);
    if (!native) /* which needs no memory */
        memory_starve_enable();
    for (uint32_t i = 0; i < cpus; i++) {
        int error = -1;

        if (smp_call(i, enable, &error) != 0 || error != 0)
            refuse("%s could not be turned on on CPU %u", cpu->name, i);
    }
    log_info("test", "%s on %u CPUs", cpu->name, cpus);
}

void kernel_main(uint32_t magic, uint32_t info)
{
    const struct options_list *work = &options.list[DIM_WORK];
    uint32_t failed;

    uart_init(0x3f8, 115200, "8n1");
    trap_init();
    time_init();
    read_settings(magic, info);
    if (mem_init(&boot) != 0 || paging_init(&boot) != 0)
        refuse("too little memory");
    read_madt();
    if (apic_init() != 0)
        refuse("the local APIC does not answer");
    start_cpus();
    test_ticks(true);
    if (work->count == 1 && bench_is_asked_for(work->value[0]))
        failed = bench_run();
    else
        failed = test_run(work->value, work->count);
    leave(failed ? EXIT_CASE_FAILED : EXIT_OK);
}

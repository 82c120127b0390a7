/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include "drivers/env.h"
#include "drivers/uart.h"
#include "kernel/panic.h"
#include "kernel/result.h"
#include "kernel/time.h"
#include "kernel/x86.h"

#define QEMU_EXIT_PORT  0xf4   /* isa-debug-exit,iobase=0xf4 */
#define BOCHS_EXIT_PORT 0x8900 /* iodev/unmapped */
#define RESET_CONTROL   0xcf9
#define RESET_CPU       0x02
#define RESET_HARD      0x06
#define KBC_COMMAND     0x64
#define KBC_RESET       0xfe
#define RESET_US        100000

static void leave_qemu(enum exit_code code)
{
    port_out32(QEMU_EXIT_PORT, code);
}

/* Its own status is 1 whatever the code: the records tell how the run went. */
static void leave_bochs(enum exit_code code)
{
    (void)code;
    for (const char *c = "Shutdown"; *c != 0; c++)
        port_out8(BOCHS_EXIT_PORT, (uint8_t)*c);
}

/* The chipset's reset register, then the keyboard controller's line, then a triple fault: one of
 * them works on any PC. */
static void leave_reboot(enum exit_code code)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) no_idt = {0, 0};

    (void)code;
    port_out8(RESET_CONTROL, RESET_CPU);
    port_out8(RESET_CONTROL, RESET_HARD);
    delay_us(RESET_US);
    port_out8(KBC_COMMAND, KBC_RESET);
    delay_us(RESET_US);
    __asm__ volatile("lidt %0; ud2" ::"m"(no_idt));
}

static void leave_halt(enum exit_code code)
{
    (void)code;
}

static const struct {
    const char *name;
    void (*leave)(enum exit_code code);
} ways[] = {
    {"halt", leave_halt}, {"qemu", leave_qemu}, {"bochs", leave_bochs}, {"reboot", leave_reboot}};

static size_t way;

int machine_exit_set(const char *how)
{
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        if (strcmp(how, ways[i].name) == 0) {
            way = i;
            return 0;
        }
    }
    return -EINVAL;
}

noreturn void machine_exit(enum exit_code code)
{
    interrupts_off();
    /* Not every machine can hand a code to whoever started it. */
    result_exit(code);
    uart_drain();
    ways[way].leave(code);
    for (;;)
        __asm__ volatile("cli; hlt");
}

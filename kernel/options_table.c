/* SPDX-License-Identifier: MIT */
/* The options that are no dimension of a case, and what each does. */
#include <string.h>
#include "drivers/uart.h"
#include "kernel/log.h"
#include "kernel/options_parts.h"
#include "kernel/panic.h"
#include "lib/fmt.h"

#define COM1_PORT 0x3f8

static uint64_t number(struct parse *p, const char *option, const char *value, uint64_t low,
                       uint64_t high)
{
    uint64_t n = 0;

    if (cmdline_number(value, &n) != 0 || n < low || n > high)
        options_fail(p, "%s=%s: not a number from %lu to %lu", option, value, low, high);
    return n;
}

static void set_com1(struct parse *p, const char *value)
{
    char rate[16] = "", format[8] = "8n1", port_text[16];
    uint64_t port = COM1_PORT, baud;

    (void)cmdline_piece(value, 0, rate, sizeof rate);
    if (cmdline_piece(value, 1, port_text, sizeof port_text))
        memcpy(format, port_text, sizeof format - 1);
    if (cmdline_piece(value, 2, port_text, sizeof port_text))
        port = number(p, "com1 port", port_text, 1, 0xfff8);
    baud = number(p, "com1 rate", rate, 50, 115200);
    if (p->error[0] == 0 && uart_init((uint16_t)port, (uint32_t)baud, format) != 0)
        options_fail(p,
                     "com1=%s: no 16550 answers there, or not RATE,FORMAT[,PORT] as in 115200,8n1",
                     value);
}

static void set_loglevel(struct parse *p, const char *value)
{
    enum log_level level;

    if (log_level_find(value, &level) != 0)
        options_fail(p, "loglevel=%s: known: error warn info debug", value);
    else
        log_set_level(level);
}

static void set_exit(struct parse *p, const char *value)
{
    if (machine_exit_set(value) != 0)
        options_fail(p, "exit=%s: known: qemu bochs reboot halt", value);
}

static void set_nic(struct parse *p, const char *value)
{
    fmt_snprintf(p->out->nic, sizeof p->out->nic, "%s", value);
}

static void set_bench(struct parse *p, const char *value)
{
    if (strlen(value) >= sizeof p->out->bench)
        options_fail(p, "bench=%s: a plan's name has at most %d letters", value, OPTIONS_NAME - 1);
    else
        memcpy(p->out->bench, value, strlen(value) + 1);
}

static void set_resume(struct parse *p, const char *value)
{
    p->out->resume = (uint32_t)number(p, "resume", value, 1, UINT32_MAX);
}

static void set_rounds(struct parse *p, const char *value)
{
    p->out->rounds = (uint32_t)number(p, "rounds", value, 1, 1000);
}

static void set_mem(struct parse *p, const char *value)
{
    uint64_t bytes = 0;

    if (cmdline_size(value, &bytes) != 0 || bytes < 4 * PAGE_2M || !is_aligned(bytes, PAGE_2M) ||
        bytes > 64 * PAGE_1G)
        options_fail(p, "mem=%s: not a multiple of 2M from 8M to 64G", value);
    p->out->memory = bytes;
}

static void set_wset(struct parse *p, const char *value)
{
    p->out->working_set = number(p, "wset", value, 1, UINT32_MAX - 1);
}

static void set_deadline(struct parse *p, const char *value)
{
    p->out->deadline_ms = (uint32_t)number(p, "deadline", value, 100, 3600000);
}

static void set_limit(struct parse *p, const char *value)
{
    p->out->limit_s = (uint32_t)number(p, "limit", value, 1, 86400);
}

static void set_seed(struct parse *p, const char *value)
{
    p->out->seed = number(p, "seed", value, 0, UINT64_MAX);
}

static void set_trace(struct parse *p, const char *value)
{
    char piece[OPTIONS_NAME];
    uint64_t events = 0;

    (void)cmdline_piece(value, 0, piece, sizeof piece);
    if (strcmp(value, "none") == 0) {
        p->out->trace = 0;
        p->out->trace_dump = false;
        return;
    }
    if (cmdline_size(piece, &events) != 0 || events < 1024 || events > 64u << 20)
        options_fail(p, "trace=%s: not a number of events from 1K to 64M, and not none", value);
    p->out->trace = events;
    p->out->trace_dump = cmdline_piece(value, 1, piece, sizeof piece);
    if (p->out->trace_dump && strcmp(piece, "dump") != 0)
        options_fail(p, "trace=%s: after the number there may be dump, to print each trace", value);
}

static void set_rsdp(struct parse *p, const char *value)
{
    p->out->rsdp = hpa(number(p, "acpi_rsdp", value, PAGE_SIZE, UINT64_MAX >> 12));
}

static void set_progress(struct parse *p, const char *value)
{
    p->out->no_progress = strcmp(value, "off") == 0;
    if (!p->out->no_progress && strcmp(value, "on") != 0)
        options_fail(p, "progress=%s: known: on off", value);
}

static void set_shell(struct parse *p, const char *value)
{
    (void)value;
    p->out->shell = true;
}

static void set_unsafe_dma(struct parse *p, const char *value)
{
    (void)value;
    p->out->unsafe_dma = true;
}

static void set_unsafe_msi(struct parse *p, const char *value)
{
    (void)value;
    p->out->unsafe_msi = true;
}

static void set_unsafe_no_iommu(struct parse *p, const char *value)
{
    (void)value;
    p->out->unsafe_no_iommu = true;
}

static void set_unsafe_native(struct parse *p, const char *value)
{
    (void)value;
    p->out->unsafe_native = true;
}

/* Beside the dimensions. */
const struct option options_others[] = {
    {{"com1", "RATE,FORMAT[,PORT] of the serial console; 115200,8n1,0x3f8"},
     set_com1,
     AT_CONSOLE,
     false},
    {{"loglevel", "error warn info debug; info"}, set_loglevel, AT_CONSOLE, false},
    {{"exit", "how to leave: qemu bochs reboot halt; halt"}, set_exit, AT_CONSOLE, false},
    {{"nic", "auto or bus:dev.fn; auto"}, set_nic, AT_BOOT, false},
    {{"bench", "a plan of cases: quick paper full, or a boot module's name"},
     set_bench,
     AT_CONSOLE,
     false},
    {{"resume", "number of the case to begin with; 1"}, set_resume, AT_CONSOLE, false},
    {{"rounds", "how often the cases run; 1"}, set_rounds, AT_CONSOLE, false},
    {{"mem", "guest RAM; 64M"}, set_mem, AT_ANY_TIME, false},
    {{"wset", "working set in pages, instead of a measured one"}, set_wset, AT_ANY_TIME, false},
    {{"deadline", "milliseconds in which the guest's heartbeat must move; 5000"},
     set_deadline,
     AT_ANY_TIME,
     false},
    {{"limit", "seconds that a case may take; 900"}, set_limit, AT_ANY_TIME, false},
    {{"seed", "for the guest's pseudo-random numbers; 1"}, set_seed, AT_ANY_TIME, false},
    {{"trace", "keep the last so many DMA maps and unmaps of a guest, as in 64K or 64K,dump; none"},
     set_trace,
     AT_ANY_TIME,
     false},
    {{"acpi_rsdp", "address of the RSDP to use instead of the firmware's"},
     set_rsdp,
     AT_BOOT,
     false},
    {{"progress", "on off: a line that tells how far the cases are; on"},
     set_progress,
     AT_CONSOLE,
     false},
    {{"shell", "commands by the serial line, after the cases"}, set_shell, AT_BOOT, true},
    {{"unsafe-dma", "allows strategy=none and passthrough: the device reaches all memory"},
     set_unsafe_dma,
     AT_CONSOLE,
     true},
    {{"unsafe-msi", "allows a unit without interrupt remapping"}, set_unsafe_msi, AT_BOOT, true},
    {{"unsafe-no-iommu", "allows a machine without VT-d: the device reaches all memory"},
     set_unsafe_no_iommu,
     AT_BOOT,
     true},
    {{"unsafe-native", "allows guest=native: in ring 0 of this machine, which it can destroy"},
     set_unsafe_native,
     AT_BOOT,
     true},
};

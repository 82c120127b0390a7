/* SPDX-License-Identifier: MIT */
/* SDM volume 3 chapter "Advanced Programmable Interrupt Controller (APIC)". */
#include <errno.h>
#include <stddef.h>
#include "drivers/env.h"
#include "kernel/apic.h"
#include "kernel/log.h"
#include "kernel/mem.h"
#include "kernel/percpu.h"
#include "kernel/smp.h"
#include "kernel/time.h"
#include "kernel/trap.h"
#include "kernel/x86.h"

/* Offsets in the register page; an x2APIC has the register at MSR 0x800 + offset / 16. */
#define APIC_ID            0x020
#define APIC_VERSION       0x030
#define APIC_TPR           0x080
#define APIC_EOI           0x0b0
#define APIC_SVR           0x0f0
#define APIC_ESR           0x280
#define APIC_ICR           0x300
#define APIC_ICR_HIGH      0x310 /* xAPIC only */
#define APIC_LVT_TIMER     0x320
#define APIC_LVT_LINT0     0x350
#define APIC_LVT_ERROR     0x370
#define APIC_TIMER_INITIAL 0x380
#define APIC_TIMER_CURRENT 0x390
#define APIC_TIMER_DIVIDE  0x3e0
#define X2APIC_MSR         0x800u

#define BASE_X2APIC  (1ull << 10)
#define BASE_ENABLE  (1ull << 11)
#define BASE_ADDRESS 0x000ffffffffff000ull

#define SVR_ENABLE   (1u << 8)
#define LVT_MASKED   (1u << 16)
#define LVT_PERIODIC (1u << 17)
#define DIVIDE_BY_16 0x3u

#define ICR_NMI        (4u << 8)
#define ICR_INIT       (5u << 8)
#define ICR_STARTUP    (6u << 8)
#define ICR_PENDING    (1u << 12)
#define ICR_ASSERT     (1u << 14)
#define ICR_ALL_OTHERS (3u << 18)

#define XAPIC_BROADCAST 255u
#define SEND_US         1000
#define CALIBRATE_US    10000
#define CALIBRATE_RUNS  10

#define PIC1_COMMAND 0x20
#define PIC1_DATA    0x21
#define PIC2_COMMAND 0xa0
#define PIC2_DATA    0xa1
#define PIC_INIT     0x11 /* ICW1: edge-triggered, cascaded, ICW4 follows */
#define PIC_8086     0x01
#define PIC_ALL      0xff

static volatile void *registers; /* NULL with an x2APIC */
static bool is_on, is_x2apic;
static uint64_t timer_hz; /* after the divider */

static uint32_t apic_read(uint32_t reg)
{
    return is_x2apic ? (uint32_t)rdmsr(X2APIC_MSR + reg / 16) : mmio_read32(registers, reg);
}

static void apic_write(uint32_t reg, uint32_t value)
{
    if (is_x2apic)
        wrmsr(X2APIC_MSR + reg / 16, value);
    else
        mmio_write32(registers, reg, value);
}

/* Their vectors after reset are exceptions': moved even though all lines are masked, for a spurious
 * interrupt cannot be. (Intel 8259A data sheet.) */
static void mask_pics(void)
{
    port_out8(PIC1_COMMAND, PIC_INIT);
    port_out8(PIC2_COMMAND, PIC_INIT);
    port_out8(PIC1_DATA, TRAP_PIC);
    port_out8(PIC2_DATA, TRAP_PIC + 8);
    port_out8(PIC1_DATA, 1 << 2); /* the second one is at line 2 */
    port_out8(PIC2_DATA, 2);
    port_out8(PIC1_DATA, PIC_8086);
    port_out8(PIC2_DATA, PIC_8086);
    port_out8(PIC1_DATA, PIC_ALL);
    port_out8(PIC2_DATA, PIC_ALL);
}

static void serve_timer(struct trap_frame *frame)
{
    (void)frame; /* it ended a guest's run or a hlt, that is all */
    apic_eoi();
}

/* A spurious interrupt is not in service: an EOI would end another one. */
static void serve_spurious(struct trap_frame *frame)
{
    (void)frame;
}

/* Ticks of the timer and of the TSC over the same while; returns by how many TSC ticks the two ends
 * may differ. */
static uint64_t count_timer(uint64_t *ticks, uint64_t *tsc)
{
    uint64_t before[2], after[2];
    uint32_t left;

    before[0] = tsc_read();
    apic_write(APIC_TIMER_INITIAL, UINT32_MAX);
    after[0] = tsc_read();
    delay_us(CALIBRATE_US);
    before[1] = tsc_read();
    left = apic_read(APIC_TIMER_CURRENT);
    after[1] = tsc_read();
    apic_write(APIC_TIMER_INITIAL, 0);
    *ticks = UINT32_MAX - left;
    *tsc = before[1] - after[0];
    return (after[0] - before[0]) + (after[1] - before[1]);
}

static void calibrate_timer(void)
{
    uint64_t ticks, tsc, unsure, surest = UINT64_MAX;

    apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_16);
    for (int i = 0; i < CALIBRATE_RUNS && surest > us_to_tsc(CALIBRATE_US / 500); i++) {
        unsure = count_timer(&ticks, &tsc);
        if (unsure < surest) {
            surest = unsure;
            timer_hz = ticks * tsc_hz() / (tsc + unsure / 2);
        }
    }
}

int apic_init(void)
{
    uint64_t address = rdmsr(MSR_APIC_BASE) & BASE_ADDRESS;
    int bad;

    mask_pics();
    is_x2apic = apic_is_x2apic();
    if (!is_x2apic)
        registers = map_mmio(hpa(address), PAGE_SIZE);
    if (!is_x2apic && registers == NULL) {
        log_error("apic", "registers at %lx cannot be mapped", address);
        return -ENODEV;
    }
    trap_set_handler(TRAP_TIMER, serve_timer);
    trap_set_handler(TRAP_SPURIOUS, serve_spurious);
    bad = apic_init_cpu();
    if (bad != 0)
        return bad;
    is_on = true;
    calibrate_timer();
    percpus[0].apic_id = apic_id();
    log_debug("apic", "%s, id %u, timer at %lu kHz", is_x2apic ? "x2APIC" : "xAPIC", apic_id(),
              timer_hz / 1000);
    return timer_hz != 0 ? 0 : -ENODEV;
}

int apic_init_cpu(void)
{
    uint64_t enable = BASE_ENABLE | (is_x2apic ? BASE_X2APIC : 0);
    uint32_t version;

    wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | enable);
    version = apic_read(APIC_VERSION);
    if (version == 0 || version == UINT32_MAX) {
        log_error("apic", "the local APIC's version register reads %x", version);
        return -ENODEV;
    }
    apic_write(APIC_TPR, 0);
    apic_write(APIC_SVR, SVR_ENABLE | TRAP_SPURIOUS); /* LVT writes stick only once it is on */
    apic_write(APIC_LVT_TIMER, LVT_MASKED);
    apic_write(APIC_LVT_LINT0, LVT_MASKED); /* the PICs' line */
    apic_write(APIC_LVT_ERROR, LVT_MASKED);
    apic_write(APIC_ESR, 0);
    return 0;
}

uint32_t apic_id(void)
{
    return is_x2apic ? apic_read(APIC_ID) : apic_read(APIC_ID) >> 24;
}

bool apic_is_x2apic(void)
{
    return (rdmsr(MSR_APIC_BASE) & BASE_X2APIC) != 0;
}

bool apic_can_reach(uint32_t id)
{
    return is_x2apic || id < XAPIC_BROADCAST;
}

void apic_eoi(void)
{
    if (is_on)
        apic_write(APIC_EOI, 0);
}

static int send(uint32_t id, uint32_t order)
{
    uint64_t end = deadline_us(SEND_US);

    if (is_x2apic) {
        wrmsr(X2APIC_MSR + APIC_ICR / 16, (uint64_t)id << 32 | order);
        return 0;
    }
    mmio_write32(registers, APIC_ICR_HIGH, id << 24);
    mmio_write32(registers, APIC_ICR, order);
    while (mmio_read32(registers, APIC_ICR) & ICR_PENDING)
        if (deadline_passed(end))
            return -ETIMEDOUT;
    return 0;
}

int apic_send_init(uint32_t id)
{
    return send(id, ICR_INIT | ICR_ASSERT);
}

int apic_send_startup(uint32_t id, uint8_t page)
{
    return send(id, ICR_STARTUP | ICR_ASSERT | page);
}

int apic_send_vector(uint32_t id, uint8_t vector)
{
    return send(id, ICR_ASSERT | vector);
}

int apic_send_nmi(uint32_t id)
{
    return send(id, ICR_NMI | ICR_ASSERT);
}

void apic_stop_others(void)
{
    if (is_on)
        send(0, ICR_NMI | ICR_ASSERT | ICR_ALL_OTHERS);
}

/* A count of 0 would stop it. */
static void start_timer(uint32_t mode, uint64_t count)
{
    if (count > UINT32_MAX)
        count = UINT32_MAX;
    apic_write(APIC_LVT_TIMER, mode | TRAP_TIMER);
    apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_16);
    apic_write(APIC_TIMER_INITIAL, count == 0 ? 1 : (uint32_t)count);
}

void apic_timer(uint32_t hz)
{
    if (hz != 0) {
        start_timer(LVT_PERIODIC, timer_hz / hz);
        return;
    }
    apic_write(APIC_LVT_TIMER, LVT_MASKED);
    apic_write(APIC_TIMER_INITIAL, 0);
}

void apic_timer_once(uint64_t us)
{
    /* Far more than the timer's 32 bits hold, and no product overflows. */
    uint64_t limit = 1ull << 32;

    start_timer(0, (us < limit ? us : limit) * (timer_hz / 1000) / 1000);
}

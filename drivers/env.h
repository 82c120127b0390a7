/* SPDX-License-Identifier: MIT */
/* What a driver needs of its surroundings; the kernel and the guest each link their own env.c. */
#ifndef DRIVERS_ENV_H
#define DRIVERS_ENV_H

#include <stdbool.h>
#include <stdint.h>

/* Through void *: a register's offset decides its alignment, which no type says. */
static inline volatile void *mmio_at(const volatile void *base, uint32_t offset)
{
    return (volatile uint8_t *)(uintptr_t)base + offset;
}

static inline uint32_t mmio_read32(const volatile void *base, uint32_t offset)
{
    return *(volatile uint32_t *)mmio_at(base, offset);
}

static inline void mmio_write32(volatile void *base, uint32_t offset, uint32_t value)
{
    *(volatile uint32_t *)mmio_at(base, offset) = value;
}

static inline uint64_t mmio_read64(const volatile void *base, uint32_t offset)
{
    return *(volatile uint64_t *)mmio_at(base, offset);
}

static inline void mmio_write64(volatile void *base, uint32_t offset, uint64_t value)
{
    *(volatile uint64_t *)mmio_at(base, offset) = value;
}

static inline void port_out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static inline uint8_t port_in8(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void port_out16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" ::"a"(value), "Nd"(port));
}

static inline uint16_t port_in16(uint16_t port)
{
    uint16_t value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void port_out32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port));
}

static inline uint32_t port_in32(uint16_t port)
{
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

/* In every loop that waits: it gives the other thread of a core, or of an emulator, its turn. */
static inline void env_pause(void)
{
    __asm__ volatile("pause" ::: "memory");
}

void env_delay_us(uint32_t us);
/* Deadlines for polling loops, in the surroundings' own clock. */
uint64_t env_deadline_us(uint32_t us);
bool env_deadline_passed(uint64_t end);

#endif

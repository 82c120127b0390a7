/* SPDX-License-Identifier: MIT */
/* 16550 serial port (National PC16550D data sheet). */
#ifndef DRIVERS_UART_H
#define DRIVERS_UART_H

#include <stdint.h>

/* port: 0x3f8 for COM1. -EINVAL for a rate that 115200 is no multiple of or a format that is not
 * [5-8][noe][12]; -ENODEV when the scratch register does not answer. */
int uart_init(uint16_t port, uint32_t baud, const char *format);
/* Waits for room at most 10 ms, then drops the byte: a missing cable must not hang the machine. */
void uart_put(uint8_t byte);
/*
 * The next byte that came in, or -EAGAIN: none has; -EOVERFLOW: bytes were lost here, since nobody
 * took them in time; -EIO: one came damaged here (parity, framing) or the line was broken. Whatever
 * waits for room to write takes in bytes meanwhile, up to 256.
 */
int uart_get(void);
/* Until everything has left the shift register, at most 100 ms. */
void uart_drain(void);

#endif

/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>
#include "drivers/env.h"
#include "drivers/uart.h"

/* Register offsets; DLL and DLM are seen at 0 and 1 while LCR.DLAB is set. */
#define UART_DATA    0
#define UART_IER     1
#define UART_FCR     2
#define UART_LCR     3
#define UART_MCR     4
#define UART_LSR     5
#define UART_SCRATCH 7

#define FCR_ENABLE_AND_CLEAR 0x07
#define LCR_TWO_STOP_BITS    0x04
#define LCR_ODD              0x08
#define LCR_EVEN             0x18
#define LCR_DLAB             0x80
#define MCR_DTR_RTS          0x03
#define LSR_DATA             0x01 /* a byte has come in */
#define LSR_OVERRUN          0x02 /* and one before it found no room */
#define LSR_BAD              0x1c /* parity, framing, break: of the byte that is next */
#define LSR_HOLDING_EMPTY    0x20 /* room for a byte */
#define LSR_ALL_SENT         0x40 /* the shift register is empty as well */

#define UART_CLOCK  115200u /* the highest rate */
#define ROOM_US     10000
#define ALL_SENT_US 100000

static uint16_t uart_port; /* 0: none yet */
static bool uart_stuck;    /* a byte was dropped: wait for no further one until there is room */

/* What came in while nobody asked for it. */
static struct {
    uint8_t byte[256];
    uint8_t first, last; /* equal: empty */
    bool lost, bad;      /* before the first byte */
} input;

static int line_control(const char *format, uint8_t *lcr)
{
    if (format[0] < '5' || format[0] > '8')
        return -EINVAL;
    *lcr = (uint8_t)(format[0] - '5');
    if (format[1] == 'o')
        *lcr |= LCR_ODD;
    else if (format[1] == 'e')
        *lcr |= LCR_EVEN;
    else if (format[1] != 'n')
        return -EINVAL;
    if (format[2] == '2')
        *lcr |= LCR_TWO_STOP_BITS;
    else if (format[2] != '1')
        return -EINVAL;
    return format[3] == 0 ? 0 : -EINVAL;
}

/* The scratch register keeps what is written; an empty bus reads as all ones. */
static bool answers(uint16_t port)
{
    port_out8(port + UART_SCRATCH, 0x5a);
    if (port_in8(port + UART_SCRATCH) != 0x5a)
        return false;
    port_out8(port + UART_SCRATCH, 0xa5);
    return port_in8(port + UART_SCRATCH) == 0xa5;
}

int uart_init(uint16_t port, uint32_t baud, const char *format)
{
    uint8_t lcr;
    uint16_t divisor;

    if (baud == 0 || UART_CLOCK % baud != 0 || UART_CLOCK / baud > 0xffff ||
        line_control(format, &lcr) != 0)
        return -EINVAL;
    if (!answers(port))
        return -ENODEV;
    uart_drain(); /* of the port in use so far: a new rate would garble its last bytes */
    divisor = (uint16_t)(UART_CLOCK / baud);
    port_out8(port + UART_IER, 0);
    port_out8(port + UART_LCR, LCR_DLAB);
    port_out8(port + UART_DATA, (uint8_t)divisor);
    port_out8(port + UART_IER, (uint8_t)(divisor >> 8));
    port_out8(port + UART_LCR, lcr);
    port_out8(port + UART_FCR, FCR_ENABLE_AND_CLEAR);
    port_out8(port + UART_MCR, MCR_DTR_RTS);
    uart_port = port;
    uart_stuck = false;
    return 0;
}

/* Reading the register clears its errors, so every reader takes in what it tells. */
static uint8_t status(void)
{
    uint8_t now = port_in8(uart_port + UART_LSR);

    if (now & LSR_OVERRUN)
        input.lost = true;
    if (now & LSR_BAD)
        input.bad = true;
    if (now & LSR_DATA) {
        uint8_t byte = port_in8(uart_port + UART_DATA);

        if ((uint8_t)(input.last + 1) == input.first)
            input.lost = true;
        else
            input.byte[input.last++] = byte;
    }
    return now;
}

static bool wait_for(uint8_t wanted, uint32_t us)
{
    uint64_t end = env_deadline_us(us);

    while ((status() & wanted) == 0)
        if (env_deadline_passed(end))
            return false;
    return true;
}

void uart_put(uint8_t byte)
{
    if (uart_port == 0)
        return;
    /* Ten milliseconds a dropped byte would still be a hang over a page of text. */
    uart_stuck = !wait_for(LSR_HOLDING_EMPTY, uart_stuck ? 0 : ROOM_US);
    if (!uart_stuck)
        port_out8(uart_port + UART_DATA, byte);
}

int uart_get(void)
{
    if (uart_port == 0)
        return -EAGAIN;
    (void)status();
    if (input.lost) {
        input.lost = false;
        return -EOVERFLOW;
    }
    if (input.bad) {
        input.bad = false;
        return -EIO;
    }
    return input.first == input.last ? -EAGAIN : input.byte[input.first++];
}

void uart_drain(void)
{
    if (uart_port != 0)
        wait_for(LSR_ALL_SENT, ALL_SENT_US);
}

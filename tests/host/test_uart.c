/* SPDX-License-Identifier: MIT */
/* drivers/uart.c before a 16550 whose receiver the test fills. */
#include <errno.h>
#include "drivers/env.h"
#include "tests/host/unit.h"

#define PORT 0x3f8

static struct {
    uint8_t scratch, errors;
    uint8_t fifo[16];
    unsigned count, busy; /* busy: so many looks until there is room to send */
    char sent[64];
    unsigned sent_count;
} chip;

static uint8_t fake_in8(uint16_t port)
{
    uint8_t value = 0;

    switch (port - PORT) {
    case 0:
        assert_true(chip.count > 0);
        value = chip.fifo[0];
        memmove(chip.fifo, chip.fifo + 1, --chip.count);
        return value;
    case 5:
        value = (uint8_t)(chip.errors | (chip.count > 0));
        chip.errors = 0; /* cleared by the reading */
        if (chip.busy > 0)
            chip.busy--;
        else
            value |= 0x60;
        return value;
    case 7:
        return chip.scratch;
    default:
        fail_msg("read of port %x", port);
        return 0;
    }
}

static void fake_out8(uint16_t port, uint8_t value)
{
    if (port == PORT + 7)
        chip.scratch = value;
    else if (port == PORT && chip.sent_count < sizeof chip.sent - 1)
        chip.sent[chip.sent_count++] = (char)value;
}

uint64_t env_deadline_us(uint32_t us)
{
    return us;
}

bool env_deadline_passed(uint64_t end)
{
    (void)end;
    return chip.busy == 0;
}

#define port_in8  fake_in8
#define port_out8 fake_out8
#include "drivers/uart.c"

static void receive(uint8_t byte)
{
    if (chip.count == sizeof chip.fifo)
        chip.errors |= 0x02;
    else
        chip.fifo[chip.count++] = byte;
}

static int begin(void **state)
{
    (void)state;
    memset(&chip, 0, sizeof chip);
    memset(&input, 0, sizeof input);
    return uart_init(PORT, 115200, "8n1");
}

static void bytes_in_order(void **state)
{
    (void)state;
    assert_int_equal(uart_get(), -EAGAIN);
    for (int i = 0; i < 5; i++)
        receive((uint8_t)(0xfe + i));
    for (int i = 0; i < 5; i++)
        assert_int_equal(uart_get(), (uint8_t)(0xfe + i));
    assert_int_equal(uart_get(), -EAGAIN);
}

/* Whoever writes looks at the same register, and must not lose what it tells. */
static void writing_takes_in(void **state)
{
    (void)state;
    for (int i = 0; i < 16; i++)
        receive((uint8_t)i);
    chip.busy = 40;
    uart_put('x');
    assert_int_equal(chip.count, 0);
    for (int i = 0; i < 16; i++)
        assert_int_equal(uart_get(), i);
    assert_int_equal(uart_get(), -EAGAIN);
}

static void an_overrun_is_told_once(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        receive((uint8_t)i);
    uart_put('x'); /* sees the overrun, and has no use for it */
    assert_int_equal(uart_get(), -EOVERFLOW);
    assert_int_equal(uart_get(), 0);
}

static void a_full_buffer_is_an_overrun(void **state)
{
    unsigned taken = 0;

    (void)state;
    for (int i = 0; i < 300; i++) {
        receive((uint8_t)i);
        chip.busy = 2;
        uart_put('x');
    }
    assert_int_equal(uart_get(), -EOVERFLOW);
    while (uart_get() == (int)taken)
        taken++;
    assert_int_equal(taken, 255);
}

static void damage_is_told(void **state)
{
    static const uint8_t bits[] = {0x04, 0x08, 0x10};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        receive('a');
        chip.errors = bits[i];
        assert_int_equal(uart_get(), -EIO);
        assert_int_equal(uart_get(), 'a');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(bytes_in_order, begin),
        cmocka_unit_test_setup(writing_takes_in, begin),
        cmocka_unit_test_setup(an_overrun_is_told_once, begin),
        cmocka_unit_test_setup(a_full_buffer_is_an_overrun, begin),
        cmocka_unit_test_setup(damage_is_told, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

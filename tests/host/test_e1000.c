/* SPDX-License-Identifier: MIT */
/* The driver's two rings, with this test as the hardware that works on them. */
#include "tests/host/unit.h"

#include <errno.h>
#include "drivers/e1000.h"
#include "drivers/env.h"

enum {
    ICR = 0xc0,
    ICS = 0xc8,
    IMS = 0xd0,
    IMC = 0xd8,
    TDT = 0x3818,
    RDT = 0x2818,
    TX_CMD = 11,
    STATUS = 12,
    RX_ERRORS = 13,
    RX_BYTES = 8
};

#define CMD_EOP    0x01
#define CMD_RS     0x08
#define STATUS_DD  0x01
#define STATUS_EOP 0x02

static _Alignas(16) uint8_t tx[E1000_RING][16], rx[E1000_RING][16];
static _Alignas(8) uint8_t regs[0x6000];
static struct e1000 nic;

/* The rings never wait. */
void env_delay_us(uint32_t us)
{
    (void)us;
}

uint64_t env_deadline_us(uint32_t us)
{
    return us;
}

bool env_deadline_passed(uint64_t end)
{
    (void)end;
    return true;
}

static int reset(void **state)
{
    (void)state;
    memset(tx, 0, sizeof tx);
    memset(rx, 0, sizeof rx);
    memset(regs, 0, sizeof regs);
    nic = (struct e1000){.regs = regs, .tx = (void *)tx, .rx = (void *)rx};
    return 0;
}

/* A burst of n one-slot frames, of which only the last asks for a report. */
static void put_burst(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        e1000_tx_put(&nic, 0x1000, 60, true, i == n - 1);
    e1000_tx_doorbell(&nic);
}

/* Hardware writes status only where a report is asked for. */
static void finish(uint8_t from, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (tx[(uint8_t)(from + i)][TX_CMD] & CMD_RS)
            tx[(uint8_t)(from + i)][STATUS] = STATUS_DD;
}

static void take(uint8_t from, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(e1000_tx_take(&nic), (uint8_t)(from + i));
}

static void a_report_covers_the_slots_before_it(void **state)
{
    (void)state;
    assert_int_equal(e1000_tx_take(&nic), -EAGAIN);
    put_burst(5);
    put_burst(3);
    assert_int_equal(mmio_read32(regs, TDT), 8);
    assert_int_equal(e1000_tx_take(&nic), -EAGAIN);
    finish(0, 4); /* short of the first report */
    assert_int_equal(e1000_tx_take(&nic), -EAGAIN);
    finish(4, 1);
    take(0, 5);
    assert_int_equal(e1000_tx_take(&nic), -EAGAIN);
    finish(5, 3);
    take(5, 3);
    assert_int_equal(e1000_tx_take(&nic), -EAGAIN);
}

static void a_frame_in_pieces_ends_in_its_last_slot(void **state)
{
    (void)state;
    e1000_tx_put(&nic, 0x1fc0, 64, false, false);
    e1000_tx_put(&nic, 0x2000, 64, true, true);
    assert_int_equal(tx[0][TX_CMD] & (CMD_EOP | CMD_RS), 0);
    assert_int_equal(tx[1][TX_CMD] & (CMD_EOP | CMD_RS), CMD_EOP | CMD_RS);
}

/* An old report must not count for the slot's next use, round after round, with the ring full. */
static void the_transmit_ring_wraps(void **state)
{
    const unsigned full = E1000_RING - 1;
    uint8_t at = 0;

    (void)state;
    for (unsigned round = 0; round < 600; round++) {
        assert_int_equal(e1000_tx_room(&nic), full);
        put_burst(full - 40);
        put_burst(40);
        assert_int_equal(e1000_tx_room(&nic), 0);
        assert_int_equal(e1000_tx_take(&nic), -EAGAIN);
        finish(at, full - 40);
        take(at, full - 40);
        assert_int_equal(e1000_tx_take(&nic), -EAGAIN);
        finish((uint8_t)(at + full - 40), 40);
        take((uint8_t)(at + full - 40), 40);
        at = (uint8_t)(at + full);
        assert_int_equal(mmio_read32(regs, TDT), at);
    }
}

static void arrive(uint8_t slot, uint16_t bytes, uint8_t status, uint8_t errors)
{
    memcpy(&rx[slot][RX_BYTES], &bytes, sizeof bytes);
    rx[slot][RX_ERRORS] = errors;
    rx[slot][STATUS] = status;
}

static void the_receive_ring_wraps(void **state)
{
    uint16_t bytes = 0;

    (void)state;
    for (unsigned i = 0; i < 3 * E1000_RING; i++) {
        uint8_t slot = e1000_rx_put(&nic, 0x1000);

        assert_int_equal(slot, (uint8_t)i);
        e1000_rx_doorbell(&nic);
        assert_int_equal(mmio_read32(regs, RDT), (uint8_t)(i + 1));
        assert_int_equal(e1000_rx_take(&nic, &bytes), -EAGAIN);
        arrive(slot, (uint16_t)(60 + i), STATUS_DD | STATUS_EOP, 0);
        assert_int_equal(e1000_rx_take(&nic, &bytes), slot);
        assert_int_equal(bytes, 60 + i);
        assert_int_equal(e1000_rx_take(&nic, &bytes), -EAGAIN);
    }
}

static void a_damaged_frame_has_no_bytes(void **state)
{
    uint16_t bytes = 1;

    (void)state;
    e1000_rx_put(&nic, 0x1000);
    e1000_rx_put(&nic, 0x2000);
    arrive(0, 60, STATUS_DD | STATUS_EOP, 0x01); /* CRC */
    arrive(1, 2048, STATUS_DD, 0);               /* goes on in another buffer */
    assert_int_equal(e1000_rx_take(&nic, &bytes), 0);
    assert_int_equal(bytes, 0);
    bytes = 1;
    assert_int_equal(e1000_rx_take(&nic, &bytes), 1);
    assert_int_equal(bytes, 0);
}

/* Old causes are cleared, so that a new one makes a new message; a frame and a report are causes.
 */
static void interrupts_go_on_and_off(void **state)
{
    (void)state;
    e1000_interrupt_on(&nic);
    assert_int_equal(mmio_read32(regs, ICR), UINT32_MAX);
    assert_int_equal(mmio_read32(regs, IMS), 0x81);
    assert_int_equal(mmio_read32(regs, IMC), 0);
    e1000_interrupt_off(&nic);
    assert_int_equal(mmio_read32(regs, IMC), UINT32_MAX);
}

/* With a cause that is let through, and with none. */
static void interrupts_can_be_raised(void **state)
{
    (void)state;
    e1000_interrupt_on(&nic);
    e1000_interrupt_raise(&nic);
    assert_int_not_equal(mmio_read32(regs, ICS) & mmio_read32(regs, IMS), 0);
    e1000_raise_nothing(&nic);
    assert_int_equal(mmio_read32(regs, ICS), 0);
}

static void a_frame_is_seen_before_it_is_taken(void **state)
{
    uint16_t bytes;

    (void)state;
    arrive(0, 60, STATUS_DD | STATUS_EOP, 0); /* of an earlier round: the slot is not hardware's */
    assert_false(e1000_rx_is_ready(&nic));
    e1000_rx_put(&nic, 0x1000);
    assert_false(e1000_rx_is_ready(&nic));
    arrive(0, 60, STATUS_DD | STATUS_EOP, 0);
    assert_true(e1000_rx_is_ready(&nic));
    assert_int_equal(e1000_rx_take(&nic, &bytes), 0);
    assert_false(e1000_rx_is_ready(&nic));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_report_covers_the_slots_before_it, reset),
        cmocka_unit_test_setup(a_frame_in_pieces_ends_in_its_last_slot, reset),
        cmocka_unit_test_setup(the_transmit_ring_wraps, reset),
        cmocka_unit_test_setup(the_receive_ring_wraps, reset),
        cmocka_unit_test_setup(a_damaged_frame_has_no_bytes, reset),
        cmocka_unit_test_setup(interrupts_go_on_and_off, reset),
        cmocka_unit_test_setup(interrupts_can_be_raised, reset),
        cmocka_unit_test_setup(a_frame_is_seen_before_it_is_taken, reset),
    };

    return cmocka_run_group_tests_name("e1000", tests, NULL, NULL);
}

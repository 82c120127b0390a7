/* SPDX-License-Identifier: MIT */
#include "drivers/e1000.h"

#include <errno.h>
#include <stddef.h>
#include "drivers/env.h"

enum {
    CTRL = 0x0000,
    STATUS = 0x0008,
    EERD = 0x0014,
    MDIC = 0x0020,
    ICR = 0x00c0,
    ITR = 0x00c4,
    ICS = 0x00c8,
    IMS = 0x00d0,
    IMC = 0x00d8,
    RCTL = 0x0100,
    TCTL = 0x0400,
    TIPG = 0x0410,
    RDBAL = 0x2800,
    RDBAH = 0x2804,
    RDLEN = 0x2808,
    RDH = 0x2810,
    RDT = 0x2818,
    RDTR = 0x2820,
    TDBAL = 0x3800,
    TDBAH = 0x3804,
    TDLEN = 0x3808,
    TDH = 0x3810,
    TDT = 0x3818,
    MTA = 0x5200, /* 128 words of multicast filter */
    RAL0 = 0x5400,
    RAH0 = 0x5404,
};

#define CTRL_FD             (1u << 0)
#define CTRL_MASTER_DISABLE (1u << 2) /* 82574; reserved on the 82540EM */
#define CTRL_ASDE           (1u << 5)
#define CTRL_SLU            (1u << 6)
#define CTRL_SPEED_1000     (2u << 8)
#define CTRL_FRCSPD         (1u << 11)
#define CTRL_FRCDPLX        (1u << 12)
#define CTRL_RST            (1u << 26)

#define STATUS_LU            (1u << 1)
#define STATUS_MASTER_ENABLE (1u << 19)

#define RCTL_EN      (1u << 1)
#define RCTL_LBM_MAC (1u << 6)
#define RCTL_LBM_PHY (3u << 6)
#define RCTL_BAM     (1u << 15)
#define RCTL_SECRC   (1u << 26)

#define TCTL_EN      (1u << 1)
#define TCTL_PSP     (1u << 3)
#define TCTL_CT      (0x0fu << 4)
#define TCTL_COLD_FD (0x3fu << 12)

#define CAUSE_TXDW (1u << 0) /* a transmission was reported */
#define CAUSE_RXT0 (1u << 7) /* a frame was received, RDTR after it */

#define TIPG_COPPER (8u | 8u << 10 | 6u << 20) /* 317453 section 13.4.34 */

#define RAH_AV (1u << 31)

#define MDIC_WRITE (1u << 26)
#define MDIC_PHY_1 (1u << 21)
#define MDIC_READY (1u << 28)

#define PHY_CONTROL          0u
#define PHY_CONTROL_LOOPBACK 0x4140u /* loopback, full duplex, 1000 Mb/s */
#define PHY_CONTROL_AUTO     0x1340u /* auto-negotiation, anew */

#define RESET_US  100000u
#define EEPROM_US 50000u
#define MDIC_US   50000u

struct e1000_tx_desc {
    uint64_t address;
    uint16_t bytes;
    uint8_t cso, cmd, status, css;
    uint16_t special;
};

#define TX_CMD_EOP   (1u << 0)
#define TX_CMD_IFCS  (1u << 1)
#define TX_CMD_RS    (1u << 3)
#define TX_STATUS_DD (1u << 0)

struct e1000_rx_desc {
    uint64_t address;
    uint16_t bytes, checksum;
    uint8_t status, errors;
    uint16_t special;
};

#define RX_STATUS_DD  (1u << 0)
#define RX_STATUS_EOP (1u << 1)
#define RX_ERRORS     0x97u /* CE, SE, SEQ, CXE, RXE; not the checksum bits */

_Static_assert(sizeof(struct e1000_tx_desc) == 16, "section 3.3.3 of 317453");
_Static_assert(sizeof(struct e1000_rx_desc) == 16, "section 3.2.3 of 317453");
_Static_assert(E1000_RING_BYTES == E1000_RING * 16, "a ring is one page");

/* True when the bits of mask in reg become want within us. */
static bool wait_for(const volatile void *regs, uint32_t reg, uint32_t mask, uint32_t want,
                     uint32_t us)
{
    uint64_t end = env_deadline_us(us);

    while ((mmio_read32(regs, reg) & mask) != want) {
        if (env_deadline_passed(end))
            return (mmio_read32(regs, reg) & mask) == want;
        env_pause();
    }
    return true;
}

bool e1000_is_supported(uint16_t vendor, uint16_t device)
{
    return vendor == E1000_VENDOR && (device == E1000_82540EM || device == E1000_82574L);
}

static void stop(volatile void *regs)
{
    mmio_write32(regs, IMC, UINT32_MAX);
    mmio_write32(regs, RCTL, 0);
    mmio_write32(regs, TCTL, TCTL_PSP);
    mmio_read32(regs, STATUS); /* posted writes have arrived */
}

/*
 * A PCIe part must have finished its own requests before a reset; when it can't, the reset is the
 * only help left, so a time-out is no error. False for a part that does not know the handshake: the
 * 82540EM, whose emulation shows the status bit and never clears it.
 */
static bool finish_requests(volatile void *regs)
{
    if (!(mmio_read32(regs, STATUS) & STATUS_MASTER_ENABLE))
        return false;
    mmio_write32(regs, CTRL, mmio_read32(regs, CTRL) | CTRL_MASTER_DISABLE);
    return wait_for(regs, STATUS, STATUS_MASTER_ENABLE, 0, RESET_US);
}

static int phy_control(volatile void *regs, uint32_t value)
{
    mmio_write32(regs, MDIC, MDIC_WRITE | MDIC_PHY_1 | PHY_CONTROL << 16 | value);
    return wait_for(regs, MDIC, MDIC_READY, MDIC_READY, MDIC_US) ? 0 : -ETIMEDOUT;
}

static void clear_rings(volatile void *regs)
{
    static const uint16_t regs_of_rings[] = {RDBAL, RDBAH, RDLEN, RDH, RDT,
                                             TDBAL, TDBAH, TDLEN, TDH, TDT};

    for (size_t i = 0; i < sizeof(regs_of_rings) / sizeof(regs_of_rings[0]); i++)
        mmio_write32(regs, regs_of_rings[i], 0);
}

int e1000_reset(volatile void *bar0)
{
    bool pcie;

    if (mmio_read32(bar0, STATUS) == UINT32_MAX)
        return -ENODEV;
    stop(bar0);
    pcie = finish_requests(bar0);
    mmio_write32(bar0, CTRL, mmio_read32(bar0, CTRL) | CTRL_RST);
    /* The 82540EM's registers must not be touched for 1 us after RST; EEPROM reload takes ms. */
    env_delay_us(5000);
    if (!wait_for(bar0, CTRL, CTRL_RST, 0, RESET_US))
        return -ETIMEDOUT;
    /* Some emulated parts keep their registers over a reset. */
    stop(bar0);
    clear_rings(bar0);
    mmio_write32(bar0, CTRL,
                 mmio_read32(bar0, CTRL) & ~(CTRL_MASTER_DISABLE | CTRL_FRCSPD | CTRL_FRCDPLX));
    mmio_read32(bar0, ICR);
    /* The 82540EM's PHY, and a loopback in it, outlives the controller's reset. */
    return pcie ? 0 : phy_control(bar0, PHY_CONTROL_AUTO);
}

/* The word at index of the EEPROM; the two parts place the fields differently. */
static int eeprom_read(const struct e1000 *n, uint32_t index, uint16_t *word)
{
    bool old = n->device == E1000_82540EM;
    uint32_t done = old ? 1u << 4 : 1u << 1;

    mmio_write32(n->regs, EERD, index << (old ? 8 : 2) | 1u);
    if (!wait_for(n->regs, EERD, done, done, EEPROM_US))
        return -ETIMEDOUT;
    *word = (uint16_t)(mmio_read32(n->regs, EERD) >> 16);
    return 0;
}

/* From the receive address register, which a reset loads; where it stayed empty, from the EEPROM,
 * and into the register: without it the filter drops everything. */
static int take_mac(struct e1000 *n)
{
    uint32_t low = mmio_read32(n->regs, RAL0), high = mmio_read32(n->regs, RAH0);

    if (!(high & RAH_AV) || (low == 0 && (high & 0xffff) == 0)) {
        uint16_t word[3];

        for (uint32_t i = 0; i < 3; i++) {
            int error = eeprom_read(n, i, &word[i]);
            if (error)
                return error;
        }
        low = (uint32_t)word[1] << 16 | word[0];
        high = word[2] | RAH_AV;
        mmio_write32(n->regs, RAL0, low);
        mmio_write32(n->regs, RAH0, high);
    }
    for (unsigned i = 0; i < 4; i++)
        n->mac[i] = (uint8_t)(low >> 8 * i);
    n->mac[4] = (uint8_t)high;
    n->mac[5] = (uint8_t)(high >> 8);
    return 0;
}

static void set_ring(volatile void *regs, uint32_t base_low, uint64_t iova)
{
    /* RDBAL, RDBAH, RDLEN, RDH, RDT lie at the same distances as TDBAL and so on. */
    mmio_write32(regs, base_low, (uint32_t)iova);
    mmio_write32(regs, base_low + (RDBAH - RDBAL), (uint32_t)(iova >> 32));
    mmio_write32(regs, base_low + (RDLEN - RDBAL), E1000_RING_BYTES);
    mmio_write32(regs, base_low + (RDH - RDBAL), 0);
    mmio_write32(regs, base_low + (RDT - RDBAL), 0);
}

int e1000_start(struct e1000 *n, volatile void *bar0, uint16_t device, struct e1000_ring tx,
                struct e1000_ring rx)
{
    int error = e1000_reset(bar0);

    if (error)
        return error;
    *n = (struct e1000){.regs = bar0, .device = device, .tx = tx.at, .rx = rx.at};
    error = take_mac(n);
    if (error)
        return error;
    mmio_write32(bar0, CTRL, mmio_read32(bar0, CTRL) | CTRL_SLU | CTRL_ASDE);
    for (uint32_t i = 0; i < 128; i++)
        mmio_write32(bar0, MTA + 4 * i, 0);
    set_ring(bar0, RDBAL, rx.iova);
    set_ring(bar0, TDBAL, tx.iova);
    mmio_write32(bar0, RDTR, 0);
    mmio_write32(bar0, ITR, 0); /* who masks interrupts while there is work needs no throttle */
    mmio_write32(bar0, TIPG, TIPG_COPPER);
    mmio_write32(bar0, TCTL, TCTL_EN | TCTL_PSP | TCTL_CT | TCTL_COLD_FD);
    mmio_write32(bar0, RCTL, RCTL_EN | RCTL_BAM | RCTL_SECRC); /* BSIZE 0: 2,048 bytes */
    return 0;
}

/* Causes are cleared first: a new one makes a new message. The read waits until all of it has
 * arrived, and until what the controller has written before is in memory: so a look from here on
 * finds what no interrupt will tell. */
void e1000_interrupt_on(const struct e1000 *n)
{
    mmio_write32(n->regs, ICR, UINT32_MAX);
    mmio_write32(n->regs, IMS, CAUSE_TXDW | CAUSE_RXT0);
    mmio_read32(n->regs, STATUS);
}

void e1000_interrupt_off(const struct e1000 *n)
{
    mmio_write32(n->regs, IMC, UINT32_MAX);
}

void e1000_interrupt_raise(const struct e1000 *n)
{
    mmio_write32(n->regs, ICS, CAUSE_TXDW);
}

void e1000_raise_nothing(const struct e1000 *n)
{
    mmio_write32(n->regs, ICS, 0);
}

bool e1000_link_is_up(const struct e1000 *n)
{
    return mmio_read32(n->regs, STATUS) & STATUS_LU;
}

/* The 82574 loops in its MAC, with speed and duplex forced; the 82540EM in its PHY (317453 section
 * 13.4.22). */
int e1000_loopback(struct e1000 *n)
{
    uint32_t ctrl = mmio_read32(n->regs, CTRL) & ~CTRL_ASDE;
    uint32_t rctl = mmio_read32(n->regs, RCTL) & ~RCTL_LBM_PHY;

    mmio_write32(n->regs, CTRL,
                 ctrl | CTRL_SLU | CTRL_FD | CTRL_SPEED_1000 | CTRL_FRCSPD | CTRL_FRCDPLX);
    if (n->device == E1000_82540EM) {
        int error = phy_control(n->regs, PHY_CONTROL_LOOPBACK);

        if (error)
            return error;
        rctl |= RCTL_LBM_PHY;
    } else {
        rctl |= RCTL_LBM_MAC;
    }
    mmio_write32(n->regs, RCTL, rctl);
    return 0;
}

uint32_t e1000_tx_room(const struct e1000 *n)
{
    return (uint8_t)(n->tx_oldest - n->tx_next - 1);
}

uint8_t e1000_tx_put(struct e1000 *n, uint64_t iova, uint16_t bytes, bool last, bool report)
{
    volatile struct e1000_tx_desc *d = &n->tx[n->tx_next];

    d->address = iova;
    d->bytes = bytes;
    d->cso = 0;
    d->css = 0;
    d->special = 0;
    d->status = 0;
    d->cmd = TX_CMD_IFCS | (report ? TX_CMD_RS : 0u) | (last ? TX_CMD_EOP : 0u);
    n->tx_reports[n->tx_next] = report;
    return n->tx_next++;
}

uint8_t e1000_rx_put(struct e1000 *n, uint64_t iova)
{
    volatile struct e1000_rx_desc *d = &n->rx[n->rx_next];

    d->address = iova;
    d->status = 0;
    return n->rx_next++;
}

void e1000_tx_doorbell(const struct e1000 *n)
{
    mmio_write32(n->regs, TDT, n->tx_next);
}

void e1000_rx_doorbell(const struct e1000 *n)
{
    mmio_write32(n->regs, RDT, n->rx_next);
}

/* Hardware works in order: a report covers every slot before it. */
static bool tx_is_reported(struct e1000 *n)
{
    uint8_t slot = n->tx_oldest;

    while (slot != n->tx_next && !n->tx_reports[slot])
        slot++;
    if (slot == n->tx_next || !(n->tx[slot].status & TX_STATUS_DD))
        return false;
    n->tx_done = (uint8_t)(slot + 1);
    return true;
}

int e1000_tx_take(struct e1000 *n)
{
    if (n->tx_oldest == n->tx_done && !tx_is_reported(n))
        return -EAGAIN;
    return n->tx_oldest++;
}

bool e1000_rx_is_ready(const struct e1000 *n)
{
    return n->rx_oldest != n->rx_next && (n->rx[n->rx_oldest].status & RX_STATUS_DD);
}

int e1000_rx_take(struct e1000 *n, uint16_t *bytes)
{
    volatile struct e1000_rx_desc *d = &n->rx[n->rx_oldest];

    if (!e1000_rx_is_ready(n))
        return -EAGAIN;
    *bytes = (d->status & RX_STATUS_EOP) && !(d->errors & RX_ERRORS) ? d->bytes : 0;
    return n->rx_oldest++;
}

/* SPDX-License-Identifier: MIT */
#include "guest/net.h"

#include <errno.h>
#include <string.h>
#include "guest/args.h"
#include "guest/clock.h"
#include "guest/console.h"
#include "guest/dma.h"
#include "guest/heap.h"
#include "guest/nic.h"
#include "guest/poll.h"
#include "lwip/etharp.h"
#include "lwip/init.h"
#include "lwip/netif.h"
#include "lwip/timeouts.h"
#include "netif/ethernet.h"

/* lwIP rounds its heap up and adds an end mark. */
#define HEAP_BYTES (MEM_SIZE + 4096u)

/* A received frame on its way through the stack; pbuf first, so that one is the other. */
struct rx_frame {
    struct pbuf_custom custom;
    uint16_t buffer;
};

static struct netif netif;
static struct rx_frame rx_frames[NIC_RX_BUFFERS];
static uint64_t next_ms; /* TSC: the stack's clock ticks then */

static void release(struct pbuf *p)
{
    nic_rx_release(((struct rx_frame *)(void *)p)->buffer);
}

static void received(uint16_t buffer, uint8_t *data, uint16_t bytes)
{
    struct rx_frame *frame = &rx_frames[buffer];
    struct pbuf *p;

    frame->buffer = buffer;
    frame->custom.custom_free_function = release;
    p = pbuf_alloced_custom(PBUF_RAW, bytes, PBUF_REF, &frame->custom, data, bytes);
    if (netif.input(p, &netif) != ERR_OK)
        pbuf_free(p);
}

static void sent(void *cookie)
{
    pbuf_free(cookie);
}

/* -E2BIG for more parts than a frame may have. */
static int send(struct pbuf *p)
{
    struct nic_part parts[NIC_TX_FRAME];
    unsigned count = 0;

    for (struct pbuf *q = p; q; q = q->next) {
        if (count == NIC_TX_FRAME)
            return -E2BIG;
        parts[count++] = (struct nic_part){q->payload, q->len};
    }
    return nic_send(parts, count, p);
}

/* A frame of many small writes, put together. */
static int send_copy(struct pbuf *p)
{
    struct pbuf *copy = pbuf_clone(PBUF_RAW, PBUF_RAM, p);
    int error = copy ? send(copy) : -EAGAIN;

    if (error && copy)
        pbuf_free(copy);
    return error;
}

/* The stack must leave the frame alone until sent(): the reference says so. TCP looks at it before
 * it sends a segment again. */
static err_t output(struct netif *n, struct pbuf *p)
{
    int error = send(p);

    (void)n;
    if (error == -E2BIG)
        error = send_copy(p);
    else if (!error)
        pbuf_ref(p);
    if (error)
        return error == -EAGAIN ? ERR_MEM : ERR_BUF;
    return ERR_OK;
}

static err_t netif_setup(struct netif *n)
{
    n->name[0] = 'e';
    n->name[1] = 'n';
    n->mtu = 1500;
    n->hwaddr_len = ETH_HWADDR_LEN;
    memcpy(n->hwaddr, nic_mac(), ETH_HWADDR_LEN);
    n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
    n->output = etharp_output;
    n->linkoutput = output;
    return ERR_OK;
}

static bool timers(void)
{
    uint64_t now = clock_tsc();

    if (now < next_ms)
        return false;
    next_ms = now + clock_ms_to_tsc(1);
    sys_check_timeouts();
    return true;
}

/* The stack's next timer, but not before its clock ticks. */
static uint64_t next_timer(void)
{
    uint64_t due = clock_tsc() + clock_ms_to_tsc(sys_timeouts_sleeptime());

    return due > next_ms ? due : next_ms;
}

static void parse_ip(const char *text, ip_addr_t *address)
{
    if (!ip4addr_aton(text, address))
        fail("\"%s\" is no IPv4 address: four numbers with dots", text);
}

static unsigned parse_decimal(const char *text, unsigned limit, const char *what)
{
    unsigned value = 0;
    const char *at = text;

    for (; *at >= '0' && *at <= '9' && value <= limit; at++)
        value = 10 * value + (unsigned)(*at - '0');
    if (at == text || *at || value > limit)
        fail("\"%s\" is no %s: a number up to %u", text, what, limit);
    return value;
}

/* Cuts text at the separator and returns what follows. */
static const char *split(char *text, char separator, const char *form)
{
    char *at = strchr(text, separator);

    if (!at)
        fail("\"%s\" should read %s", text, form);
    *at = 0;
    return at + 1;
}

void net_parse_endpoint(const char *text, ip_addr_t *address, u16_t *port)
{
    char copy[64];
    size_t length = strnlen(text, sizeof(copy) - 1);

    memcpy(copy, text, length);
    copy[length] = 0;
    const char *number = split(copy, ':', "A.B.C.D:PORT");
    parse_ip(copy, address);
    *port = (u16_t)parse_decimal(number, 65535, "port");
}

bool net_is_up(void)
{
    return netif_default != NULL;
}

void net_start(void)
{
    static const struct nic_user user = {received, sent};
    ip_addr_t ip, mask, gw;
    char text[40];

    args_text("ip", "10.0.2.15/24", text, sizeof(text));
    unsigned prefix = parse_decimal(split(text, '/', "A.B.C.D/PREFIX"), 32, "prefix length");
    parse_ip(text, &ip);
    ip_addr_set_ip4_u32(&mask, prefix ? lwip_htonl(UINT32_MAX << (32 - prefix)) : 0);
    args_text("gw", "10.0.2.2", text, sizeof(text));
    parse_ip(text, &gw);

    nic_start(&user, false);
    guest_lwip_heap = heap_pages(pages_of(HEAP_BYTES));
    dma_pretouch(guest_lwip_heap, (uint32_t)pages_of(HEAP_BYTES), ABI_DMA_READ);
    lwip_init();
    netif_add(&netif, &ip, &mask, &gw, NULL, netif_setup, ethernet_input);
    netif_set_default(&netif);
    netif_set_up(&netif);
    poll_timers = timers;
    poll_next_timer = next_timer;
}

/* SPDX-License-Identifier: MIT */
/*
 * The invalidation queue of a unit (VT-d specification, section 6.5.2). A wait descriptor makes
 * hardware write the low half of its 64-bit sequence number to the status word; descriptors
 * complete in order before it does.
 */
#include <errno.h>
#include "kernel/log.h"
#include "kernel/mem.h"
#include "kernel/time.h"
#include "vtd/unit.h"

#define SLOT_SHIFT 4 /* IQH and IQT hold byte offsets of 16-byte descriptors */

_Static_assert((VTD_INV_QUEUE_ENTRIES & (VTD_INV_QUEUE_ENTRIES - 1)) == 0, "wraps by a mask");

static uint32_t read_head(const struct vtd_unit *u)
{
    if (!vtd_has_registers(u))
        return u->queue.tail;
    return (uint32_t)(vtd_read64(u, VTD_IQH) >> SLOT_SHIFT) & (VTD_INV_QUEUE_ENTRIES - 1);
}

int vtd_queue_start(struct vtd_unit *u)
{
    struct vtd_queue *q = &u->queue;
    hpa_t ring = frame_alloc(), status = frame_alloc();
    if (ring.v == 0 || status.v == 0)
        return -ENOMEM;
    q->ring = phys_to_virt(ring);
    q->status = phys_to_virt(status);
    q->head = q->tail = 0;
    q->dead = false;
    *q->status = (uint32_t)q->sequence;
    if (!vtd_has_registers(u))
        return 0;

    vtd_write64(u, VTD_IQT, 0);
    vtd_write64(u, VTD_IQA, ring.v);
    return vtd_command(u, VTD_G_QIE, true);
}

static int die(struct vtd_unit *u, const char *what)
{
    struct vtd_queue *q = &u->queue;
    uint32_t fsts = vtd_read32(u, VTD_FSTS), at = read_head(u);
    q->dead = true;
    log_error("vtd",
              "unit %u at 0x%llx: %s in %u ms: head %u, tail %u, status %u of %llu, FSTS 0x%08x "
              "(%s), descriptor at the head 0x%016llx%016llx; its devices must stop, and what they "
              "reach stays withdrawn until the machine restarts",
              u->index, (unsigned long long)u->base.v, what, VTD_DEADLINE_US / 1000, at, q->tail,
              *q->status, (unsigned long long)q->sequence, fsts, vtd_queue_error(fsts),
              (unsigned long long)q->ring[at].high, (unsigned long long)q->ring[at].low);
    return -ETIMEDOUT;
}

static void ring_doorbell(struct vtd_unit *u)
{
    if (!vtd_has_registers(u)) {
        /* Nothing is cached anywhere, so all of it is done. */
        *u->queue.status = (uint32_t)u->queue.sequence;
        return;
    }
    /* The store to uncacheable registers must not pass the descriptors'. */
    __asm__ volatile("mfence" ::: "memory");
    vtd_write64(u, VTD_IQT, (uint64_t)u->queue.tail << SLOT_SHIFT);
}

static int make_room(struct vtd_unit *u, uint32_t next)
{
    struct vtd_queue *q = &u->queue;
    if (next != q->head)
        return 0;
    ring_doorbell(u);
    uint64_t end = deadline_us(VTD_DEADLINE_US);
    while (next == (q->head = read_head(u)))
        if (deadline_passed(end))
            return die(u, "the full invalidation queue did not move");
    return 0;
}

int vtd_queue_add(struct vtd_unit *u, struct vtd_descriptor d)
{
    struct vtd_queue *q = &u->queue;
    if (q->dead)
        return -ETIMEDOUT;
    /* One slot stays free: head = tail means empty (section 6.5.2). */
    uint32_t next = (q->tail + 1) & (VTD_INV_QUEUE_ENTRIES - 1);
    int error = make_room(u, next);
    if (error)
        return error;
    q->ring[q->tail] = d;
    q->tail = next;
    return 0;
}

int vtd_queue_submit(struct vtd_unit *u, dma_token_t *token)
{
    struct vtd_queue *q = &u->queue;
    struct vtd_descriptor wait = {
        .low = VTD_INV_WAIT | VTD_INV_WAIT_STATUS | VTD_INV_WAIT_DATA(q->sequence + 1),
        .high = virt_to_phys((const void *)q->status).v,
    };
    int error = vtd_queue_add(u, wait);
    if (error)
        return error;
    *token = ++q->sequence;
    ring_doorbell(u);
    return 0;
}

bool vtd_queue_done(const struct vtd_unit *u, dma_token_t token)
{
    const struct vtd_queue *q = &u->queue;
    /* The status word lags the sequence by less than the queue's length, so the difference of the
     * low halves restores its high half across a wrap. */
    uint32_t behind = (uint32_t)q->sequence - *q->status;
    uint64_t completed = q->sequence - behind;
    return (int64_t)(completed - token) >= 0;
}

int vtd_queue_wait(struct vtd_unit *u, dma_token_t token)
{
    uint64_t end = deadline_us(VTD_DEADLINE_US);
    while (!vtd_queue_done(u, token)) {
        if (u->queue.dead)
            return -ETIMEDOUT;
        if (deadline_passed(end))
            return die(u, "the invalidation queue did not answer");
        __asm__ volatile("pause");
    }
    return 0;
}

int vtd_queue_run(struct vtd_unit *u, struct vtd_descriptor d)
{
    dma_token_t token;
    int error = vtd_queue_add(u, d);
    if (!error)
        error = vtd_queue_submit(u, &token);
    return error ? error : vtd_queue_wait(u, token);
}

/* SPDX-License-Identifier: MIT */
#include "kernel/dma/flush.h"
#include "kernel/dma/inval.h"

bool flush_is_deferred(enum dma_flush flush)
{
    return flush == DMA_FLUSH_DEFERRED || flush == DMA_FLUSH_PERCPU;
}

uint32_t flush_queues(enum dma_flush flush)
{
    return flush == DMA_FLUSH_PERCPU ? FLUSH_QUEUES : flush_is_deferred(flush);
}

static struct flush_batch *open_of(struct flush_queue *q)
{
    return &q->batch[q->open];
}

static struct flush_batch *sent_of(struct flush_queue *q)
{
    return &q->batch[!q->open];
}

bool flush_push(struct flush_queue *q, uint32_t page)
{
    struct flush_batch *open = open_of(q);

    open->page[open->count++] = page;
    return open->count == FLUSH_ENTRIES;
}

static void release_sent(struct dma_domain *d, struct flush_queue *q)
{
    struct flush_batch *sent = sent_of(q);

    d->counters.leaving -= sent->count;
    inval_release(d, sent->page, sent->count);
    sent->count = 0;
}

static void reap(struct dma_domain *d, struct flush_queue *q)
{
    if (sent_of(q)->count && dma_hw_done(d->space.hw, q->token))
        release_sent(d, q);
}

void flush_reap(struct dma_domain *d)
{
    for (uint32_t i = 0; i < d->queue_count; i++)
        reap(d, &d->queues[i]);
}

/* Clears what is queued and adds it to the open batch of invalidations; the queue turns over. */
static int stage(struct dma_domain *d, struct flush_queue *q)
{
    struct flush_batch *open = open_of(q);
    int error = inval_pages(d, open->page, open->count);

    if (!error)
        q->open = !q->open;
    return error;
}

static int await_queue(struct dma_domain *d, struct flush_queue *q)
{
    int error;

    if (sent_of(q)->count == 0)
        return 0;
    error = inval_wait(d, q->token);
    if (!error)
        release_sent(d, q);
    return error;
}

static int await_sent(struct dma_domain *d)
{
    int error = 0;

    for (uint32_t i = 0; i < d->queue_count && !error; i++)
        error = await_queue(d, &d->queues[i]);
    return error;
}

int flush_send(struct dma_domain *d)
{
    bool staged[FLUSH_QUEUES] = {false};
    dma_token_t token;
    int error = 0;

    flush_reap(d);
    for (uint32_t i = 0; i < d->queue_count && !error; i++) {
        struct flush_queue *q = &d->queues[i];

        if (open_of(q)->count == 0 || sent_of(q)->count > 0)
            continue;
        error = stage(d, q);
        staged[i] = true;
    }
    if (!error)
        error = inval_submit(d, &token);
    for (uint32_t i = 0; i < d->queue_count && !error; i++)
        if (staged[i])
            d->queues[i].token = token;
    return error;
}

int flush_send_full(struct dma_domain *d, struct flush_queue *q)
{
    int error = 0;

    reap(d, q);
    /* Both batches are full: hardware is that far behind. */
    if (sent_of(q)->count)
        error = await_queue(d, q);
    if (!error)
        error = stage(d, q);
    return error ? error : inval_submit(d, &q->token);
}

int flush_leaving(struct dma_domain *d)
{
    struct flush_queue *q = d->queues + d->cpu % (d->queue_count ? d->queue_count : 1);
    int error = 0;

    if (d->queue_count == 0)
        return inval_leaving(d);
    while (d->leaving_count > 0 && !error) {
        d->counters.leaving++;
        if (flush_push(q, d->leaving[--d->leaving_count]))
            error = flush_send_full(d, q);
    }
    return error;
}

static bool has_room(const struct dma_domain *d, uint32_t pages)
{
    return pages <= d->config.quota - d->counters.resident;
}

int flush_room(struct dma_domain *d, uint32_t pages)
{
    int error = 0;

    flush_reap(d);
    if (!has_room(d, pages))
        error = await_sent(d);
    return error || has_room(d, pages) ? error : flush_all(d);
}

int flush_all(struct dma_domain *d)
{
    int error = await_sent(d);

    if (!error && d->counters.leaving)
        error = flush_send(d);
    return error ? error : await_sent(d);
}

int dma_domain_flush(struct dma_domain *d)
{
    if (d->ended)
        return d->ended;
    return d->counters.leaving ? flush_send(d) : 0;
}

bool dma_domain_is_waiting(const struct dma_domain *d)
{
    for (uint32_t i = 0; i < d->queue_count; i++)
        if (d->queues[i].batch[d->queues[i].open].count)
            return true;
    return false;
}

void dma_domain_set_cpu(struct dma_domain *d, uint32_t cpu)
{
    d->cpu = cpu;
}

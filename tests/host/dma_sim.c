/* SPDX-License-Identifier: MIT */
#include "tests/host/dma_sim.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kernel/dma/evict.h"

/* Whatever the policy: a burst is refused for want of room when, and only when, too few of the
 * other pages are idle. */
static int feasible(struct sim *s, const struct abi_dma_desc *burst, uint32_t n)
{
    bool wanted[REF_PAGES] = {false};
    uint32_t all = 0, resident = 0, idle = 0;

    for (uint32_t i = 0; i < n && n <= ABI_DMA_BURST; i++)
        for (uint32_t j = 0; j < burst[i].pages; j++)
            wanted[(burst[i].page - SIM_BASE) / PAGE_SIZE + j] = true;
    for (uint32_t page = 0; page < s->config.pages; page++) {
        bool mapped = dma_domain_rights(s->domain, page) != 0;

        all += wanted[page];
        resident += mapped || wanted[page];
        idle += mapped && !wanted[page] && s->words[page] < ABI_DMA_COUNT;
    }
    return all > s->ref.quota || resident > s->ref.quota + idle ? -ENOSPC : 0;
}

int sim_burst(struct sim *s, struct abi_dma_desc *burst, uint32_t n)
{
    struct abi_dma_desc copy[ABI_DMA_BURST + 1];
    int predicted = 0;

    memcpy(copy, burst, sizeof copy);
    memcpy(s->ref.words, s->words, s->config.pages * sizeof *s->words);
    bool judged = s->honest_burst && !s->config.concurrent && !s->dead;
    int room = judged ? feasible(s, burst, n) : 0;
    int got = dma_map_burst(s->domain, burst, n);
    if (judged && (got == -ENOSPC) != (room == -ENOSPC) && got != -ETIMEDOUT)
        sim_fail(s, "a burst returned %d, the idle pages say %d", got, room);
    if (got == -ENOMEM && s->hw->tables_left)
        sim_fail(s, "-ENOMEM with table pages to be had");
    s->lost_tables += got == -ENOMEM;
    if (!s->config.unpredicted && got != -ETIMEDOUT)
        predicted = ref_map_burst(&s->ref, copy, n, got == -ENOMEM);
    sim_expect(s, "a burst", got, predicted);
    if (s->config.unpredicted || s->dead)
        return got;
    for (uint32_t i = 0; i < n && i < ABI_DMA_BURST; i++)
        if (copy[i].status != burst[i].status)
            sim_fail(s, "status %u is %d, reference %d", i, burst[i].status, copy[i].status);
    sim_check_reference(s);
    return got;
}

void sim_set_quota(struct sim *s)
{
    uint32_t quota = draw(s->draw, s->config.pages + 2), before = s->ref.quota;
    int predicted = 0;

    /* A lower quota holds once the call succeeded; a higher one at once. */
    memcpy(s->ref.words, s->words, s->config.pages * sizeof *s->words);
    int got = dma_domain_set_quota(s->domain, quota);
    if (!s->config.unpredicted && got != -ETIMEDOUT) {
        predicted = ref_set_quota(&s->ref, quota);
        sim_check_reference(s);
    } else {
        s->ref.quota = got ? before : quota;
    }
    sim_expect(s, "a change of the quota", got, predicted);
}

static void meanwhile(void *context, enum fake_operation operation)
{
    struct sim *s = context;

    (void)operation;
    if (!s->domain)
        return;
    sim_check_instant(s);
    if (!s->config.concurrent)
        return;
    switch (draw(s->draw, 4)) {
    case 0:
        sim_other_cpu_maps(s);
        break;
    case 1:
        sim_guest_unmap(s);
        break;
    case 2:
        sim_device_access(s);
        break;
    case 3:
        if (s->config.hostile)
            sim_guest_scribble(s);
        break;
    }
    sim_check_instant(s);
}

static void hardware_fails(struct sim *s)
{
    switch (draw(s->draw, 8)) {
    case 0:
        s->hw->waits_left = draw(s->draw, 4);
        break;
    case 1:
        s->hw->invalidations_left = draw(s->draw, 4);
        break;
    default:
        s->hw->tables_left = draw_one_in(s->draw, 2) ? FAKE_UNLIMITED : draw(s->draw, 2);
    }
}

static void domain_calls(struct sim *s)
{
    uint32_t floor = draw(s->draw, 4);

    switch (draw(s->draw, 5)) {
    case 0:
        dma_domain_begin_window(s->domain);
        break;
    case 3:
        sim_expect(s, "a flush", dma_domain_flush(s->domain), 0);
        break;
    case 4:
        dma_domain_set_cpu(s->domain, draw(s->draw, 4));
        break;
    case 1:
        sim_set_quota(s);
        break;
    case 2:
        if (dma_domain_set_floor(s->domain, floor) == 0)
            s->ref.floor = floor;
        break;
    }
}

struct sim_config sim_draw_config(struct draw *d)
{
    static const uint32_t batches[] = {0, 1, 4, 16, 1000};
    struct sim_config c = {.dma.quota = DMA_NO_QUOTA};
    enum ref_kind kind;

    /* One draw a statement: compilers order those of an initialiser as they like, and a seed must
     * mean the same everywhere. */
    c.pages = draw_one_in(d, 3) ? REF_PAGES : 24;
    c.pages = 1 + draw(d, c.pages);
    c.dma.strategy = draw_one_in(d, 8) ? DMA_DIRECT : DMA_ON_DEMAND;
    c.dma.policy = evict_find(evict_names[draw(d, 8)]);
    if (c.dma.strategy == DMA_ON_DEMAND && (c.dma.policy->needs_hits || draw_one_in(d, 8)))
        c.dma.hits = DMA_HITS_EXIT;
    if (c.dma.strategy == DMA_ON_DEMAND && draw_one_in(d, 4))
        c.dma.prefetch = 1 + draw(d, FOLLOWER_DEPTH);
    c.dma.flush = (enum dma_flush)draw(d, 4);
    c.dma.evict_batch = batches[draw(d, 5)];
    c.eager = draw(d, 2);
    c.caching_mode = draw_one_in(d, 4);
    c.hostile = draw(d, 2);
    c.concurrent = draw(d, 2);
    c.unpredicted = c.concurrent || c.dma.prefetch || !ref_kind_of(c.dma.policy->name, &kind) ||
                    c.dma.flush == DMA_FLUSH_DEFERRED || c.dma.flush == DMA_FLUSH_PERCPU;
    c.failures = draw_one_in(d, 3);
    if (c.dma.strategy == DMA_ON_DEMAND && !draw_one_in(d, 8))
        c.dma.quota = 1 + draw(d, c.pages);
    return c;
}

void sim_start(struct sim *s, const struct sim_config *config, struct draw *source)
{
    uint32_t quota = config->dma.quota == DMA_NO_QUOTA ? config->pages : config->dma.quota;

    *s = (struct sim){.config = *config, .draw = source};
    s->hw = fake_dma_new(iova(SIM_BASE), config->pages);
    s->words = calloc(config->pages, sizeof *s->words);
    s->hw->eager = config->eager;
    s->hw->caching_mode = config->caching_mode;
    s->hw->late = config->pages % 5;
    s->hw->hook = meanwhile;
    s->hw->context = s;
    s->ref = (struct ref){.base = SIM_BASE, .pages = config->pages, .quota = quota};
    enum ref_kind kind = REF_FIFO;

    ref_kind_of(config->dma.policy->name, &kind);
    ref_order_init(&s->ref.order, kind, quota);
    s->ref.sees_hits = config->dma.hits == DMA_HITS_EXIT;
    s->ref.prefilled = config->dma.strategy != DMA_ON_DEMAND;
    if (config->dma.flush == DMA_FLUSH_BATCH)
        s->ref.evict_batch = config->dma.evict_batch;
    if (config->dma.strategy == DMA_DIRECT)
        memset(s->ref.rights, ABI_DMA_RIGHTS, config->pages);

    struct dma_space space = {iova(SIM_BASE), hpa(SIM_FRAMES), config->pages, s->words, s->hw};
    struct dma_domain *domain = NULL;
    int error = dma_domain_init(malloc(dma_domain_bytes(config->pages, &config->dma)), &config->dma,
                                &space, &domain);
    if (error) {
        fprintf(stderr, "dma_domain_init: %d\n", error);
        abort();
    }
    s->domain = domain;
}

bool sim_step(struct sim *s)
{
    uint32_t what = draw(s->draw, 32);

    if (what < 12)
        sim_guest_map(s);
    else if (what < 22)
        sim_guest_unmap(s);
    else if (what < 26)
        sim_device_access(s);
    else if (what < 27)
        domain_calls(s);
    else if (what < 29 && s->config.hostile)
        sim_guest_scribble(s);
    else if (what < 31 && s->config.hostile)
        sim_guest_wild_burst(s);
    else if (what == 31 && s->config.failures)
        hardware_fails(s);
    sim_check(s);
    return !s->failure[0] && !(s->dead && draw_one_in(s->draw, 8));
}

bool sim_finish(struct sim *s)
{
    /* The guest has stopped: nobody looks at its words. */
    s->config.concurrent = s->config.unpredicted = false;
    memset(s->scribbled, true, sizeof s->scribbled);
    int error = dma_domain_fini(s->domain);

    sim_expect(s, "the end", error, 0);
    if (!dma_domain_is_valid(s->domain))
        sim_fail(s, "dma_domain_is_valid says no after the end");
    for (uint32_t page = 0; page < s->config.pages && !error; page++)
        fake_dma_release(s->hw, page);
    if (!error && dma_domain_counters(s->domain)->resident)
        sim_fail(s, "pages left after the end");
    if (s->hw->violations)
        sim_fail(s, "the fake: %s", s->hw->violation);
    fake_dma_free(s->hw);
    free(s->domain);
    free(s->words);
    return !s->failure[0];
}

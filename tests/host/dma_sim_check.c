/* SPDX-License-Identifier: MIT */
/* What must hold in a simulated life: at every instant, between calls, against the reference. */
#include "tests/host/dma_sim.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

void sim_fail(struct sim *s, const char *format, ...)
{
    va_list args;

    if (s->failure[0])
        return;
    va_start(args, format);
    vsnprintf(s->failure, sizeof s->failure, format, args);
    va_end(args);
}

/* At every instant: what the device reaches is counted, and what the guest sees is there. */
void sim_check_instant(struct sim *s)
{
    const struct dma_counters *c = dma_domain_counters(s->domain);
    uint32_t reachable = fake_dma_reachable(s->hw);

    if (s->hw->violations)
        sim_fail(s, "the fake: %s", s->hw->violation);
    if (reachable > c->resident)
        sim_fail(s, "%u pages reachable, %u counted", reachable, c->resident);
    if (c->resident > s->ref.quota)
        sim_fail(s, "%u pages resident, quota %u", c->resident, s->ref.quota);
    for (uint32_t page = 0; page < s->config.pages; page++) {
        uint32_t shown = s->words[page] & ABI_DMA_RIGHTS;

        if (!s->scribbled[page] && (shown & ~fake_dma_surely(s->hw, page)))
            sim_fail(s, "page %u shows rights %u, the device surely has %u", page, shown,
                     fake_dma_surely(s->hw, page));
    }
}

void sim_must_reach(struct sim *s, const struct sim_mapping *m, uint32_t page)
{
    hpa_t frame;
    bool write = m->rights & ABI_DMA_WRITE;
    uint64_t at = page * PAGE_SIZE + page % 100;

    if (s->scribbled[page])
        return;
    if (!fake_dma_access(s->hw, iova(SIM_BASE + at), write, &frame))
        sim_fail(s, "DMA to mapped page %u faulted", page);
    else if (frame.v != SIM_FRAMES + at)
        sim_fail(s, "DMA to page %u reached %#llx", page, (unsigned long long)frame.v);
}

/* Between calls. */
void sim_check(struct sim *s)
{
    uint32_t resident = 0;

    sim_check_instant(s);
    if (!dma_domain_is_valid(s->domain))
        sim_fail(s, "dma_domain_is_valid says no");
    for (uint32_t page = 0; page < s->config.pages && !s->dead; page++) {
        uint32_t rights = dma_domain_rights(s->domain, page);

        if (dma_domain_is_leaving(s->domain, page)) {
            resident++;
            continue;
        }
        resident += rights != 0;
        if (fake_dma_worst(s->hw, page) & ~rights)
            sim_fail(s, "page %u: record %u, device %u", page, rights, fake_dma_worst(s->hw, page));
        uint32_t shown = s->config.dma.hits == DMA_HITS_EXIT ? 0 : rights;

        if (!s->scribbled[page] && (s->words[page] & ABI_DMA_RIGHTS) != shown)
            sim_fail(s, "page %u: record %u, word %#x", page, rights, s->words[page]);
        if (!rights)
            fake_dma_release(s->hw, page);
    }
    if (!s->dead && resident != dma_domain_counters(s->domain)->resident)
        sim_fail(s, "%u records, %u counted", resident, dma_domain_counters(s->domain)->resident);
    for (uint32_t i = 0; i < s->live_count && !s->dead; i++)
        sim_must_reach(s, &s->live[i], s->live[i].page + s->live[i].pages / 2);
    if (s->hw->violations)
        sim_fail(s, "the fake: %s", s->hw->violation);
}

void sim_check_reference(struct sim *s)
{
    const struct dma_counters *c = dma_domain_counters(s->domain);

    for (uint32_t page = 0; page < s->config.pages; page++) {
        if (dma_domain_rights(s->domain, page) != s->ref.rights[page])
            sim_fail(s, "page %u: rights %u, reference %u", page,
                     dma_domain_rights(s->domain, page), s->ref.rights[page]);
        if (s->words[page] != s->ref.words[page])
            sim_fail(s, "page %u: word %#x, reference %#x", page, s->words[page],
                     s->ref.words[page]);
    }
    if (c->misses != s->ref.misses || c->evictions != s->ref.evictions)
        sim_fail(s, "misses %llu evictions %llu, reference %llu %llu",
                 (unsigned long long)c->misses, (unsigned long long)c->evictions,
                 (unsigned long long)s->ref.misses, (unsigned long long)s->ref.evictions);
}

void sim_expect(struct sim *s, const char *what, int got, int predicted)
{
    if (got == -ETIMEDOUT && !s->hw->dead)
        sim_fail(s, "%s timed out on a living queue", what);
    if (s->dead && got != -ETIMEDOUT)
        sim_fail(s, "%s on a dead domain returned %d", what, got);
    if (got == -ETIMEDOUT)
        s->dead = true;
    else if (!s->config.unpredicted && got != predicted)
        sim_fail(s, "%s returned %d, reference %d", what, got, predicted);
}

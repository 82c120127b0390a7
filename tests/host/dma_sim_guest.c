/* SPDX-License-Identifier: MIT */
/* What a guest and its device do, honestly and otherwise. */
#include "tests/host/dma_sim.h"

static iova_t sim_iova(uint32_t page)
{
    return iova(SIM_BASE + page * PAGE_SIZE);
}

static bool has_rights(uint32_t word, uint32_t rights)
{
    return (word & rights) == rights;
}

/* abi.h's map of one page: true for a hit. The reference is held either way. */
static bool take_reference(struct sim *s, uint32_t page, uint32_t rights)
{
    uint32_t old = s->words[page];

    s->words[page] += ABI_DMA_COUNT;
    if (!has_rights(old, rights))
        return false;
    s->words[page] |= ABI_DMA_VISITED | ABI_DMA_TOUCHED;
    return true;
}

static void give_back(struct sim *s, const struct sim_mapping *m)
{
    for (uint32_t page = m->page; page < m->page + m->pages; page++)
        s->words[page] -= ABI_DMA_COUNT;
}

static struct sim_mapping draw_mapping(struct sim *s)
{
    static const uint32_t lengths[] = {1, 1, 1, 2, 3, 8, 17, 64};
    struct sim_mapping m = {.pages = lengths[draw(s->draw, 8)]};

    if (m.pages > s->config.pages)
        m.pages = s->config.pages;
    m.page = draw(s->draw, s->config.pages - m.pages + 1);
    m.rights = 1 + draw(s->draw, 3);
    return m;
}

void sim_guest_map(struct sim *s)
{
    struct abi_dma_desc burst[ABI_DMA_BURST + 1] = {{0}};
    struct sim_mapping missed[ABI_DMA_BURST];
    uint32_t n = 0, mappings = 1 + draw(s->draw, 6);

    for (; mappings > 0 && s->live_count + n < SIM_LIVE; mappings--) {
        struct sim_mapping m = draw_mapping(s);
        bool hit = true;

        for (uint32_t page = m.page; page < m.page + m.pages; page++)
            hit &= take_reference(s, page, m.rights);
        if (hit) {
            s->live[s->live_count++] = m;
            continue;
        }
        burst[n] = (struct abi_dma_desc){.op = ABI_DMA_OP_MAP,
                                         .rights = (uint8_t)m.rights,
                                         .pages = (uint16_t)m.pages,
                                         .iova = sim_iova(m.page).v,
                                         .page = sim_iova(m.page).v};
        missed[n++] = m;
    }
    if (n == 0)
        return;
    s->honest_burst = true;
    int error = sim_burst(s, burst, n);
    s->honest_burst = false;
    for (uint32_t i = 0; i < n; i++) {
        if (!error && s->live_count < SIM_LIVE)
            s->live[s->live_count++] = missed[i];
        else
            give_back(s, &missed[i]);
    }
}

void sim_guest_unmap(struct sim *s)
{
    if (s->live_count == 0)
        return;
    uint32_t i = draw(s->draw, s->live_count);

    give_back(s, &s->live[i]);
    s->live[i] = s->live[--s->live_count];
}

void sim_guest_scribble(struct sim *s)
{
    static const uint32_t words[] = {0, 1, 2, 3, 7, 0xff, 0x100, 0x103, UINT32_MAX, 0x80000003};
    uint32_t page = draw(s->draw, s->config.pages);

    s->scribbled[page] = true;
    s->words[page] = draw_one_in(s->draw, 4) ? draw_u32(s->draw) : words[draw(s->draw, 10)];
}

/* Descriptors of every kind of wrongness, references not held. */
void sim_guest_wild_burst(struct sim *s)
{
    struct abi_dma_desc burst[ABI_DMA_BURST + 1] = {{0}};
    static const uint32_t counts[] = {0, 1, 2, 64, 65, UINT32_MAX};
    uint32_t n = draw_one_in(s->draw, 3) ? counts[draw(s->draw, 6)] : 1 + draw(s->draw, 8);

    for (uint32_t i = 0; i < n && i < ABI_DMA_BURST; i++) {
        struct sim_mapping m = draw_mapping(s);
        struct abi_dma_desc *d = &burst[i];

        *d = (struct abi_dma_desc){.op = ABI_DMA_OP_MAP,
                                   .rights = (uint8_t)m.rights,
                                   .pages = (uint16_t)m.pages,
                                   .iova = sim_iova(m.page).v,
                                   .page = sim_iova(m.page).v};
        switch (draw(s->draw, 24)) {
        case 0:
            d->op = (uint8_t)draw_u32(s->draw);
            break;
        case 1:
            d->rights = (uint8_t)draw_u32(s->draw);
            break;
        case 2:
            d->pages = (uint16_t)draw_u32(s->draw);
            break;
        case 3:
            d->reserved = 1ull << draw(s->draw, 64);
            break;
        case 4:
            d->iova += PAGE_SIZE;
            break;
        case 5:
            d->iova = d->page = (uint64_t)draw_u32(s->draw) << draw(s->draw, 33);
            break;
        case 6:
            d->iova = d->page = UINT64_MAX - draw(s->draw, 2) * (PAGE_SIZE - 1);
            break;
        case 7:
            d->iova = ++d->page;
            break;
        }
    }
    sim_burst(s, burst, n);
}

void sim_device_access(struct sim *s)
{
    hpa_t frame;
    uint32_t page = draw(s->draw, s->config.pages);

    /* Anything but a mapping may fault; what it reaches, the fake judges. */
    if (s->hw)
        fake_dma_access(s->hw, sim_iova(page), draw(s->draw, 2), &frame);
}

/* The other CPU: a hit in the middle of a call must be good for as long as it is held. */
void sim_other_cpu_maps(struct sim *s)
{
    struct sim_mapping m = {.page = draw(s->draw, s->config.pages), .pages = 1};

    m.rights = 1 + draw(s->draw, 3);
    if (s->live_count == SIM_LIVE)
        return;
    if (!take_reference(s, m.page, m.rights)) {
        give_back(s, &m);
        return;
    }
    sim_must_reach(s, &m, m.page);
    s->live[s->live_count++] = m;
}

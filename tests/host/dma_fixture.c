/* SPDX-License-Identifier: MIT */
#include "tests/host/dma_fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

const struct dma_config fixture_fifo = {
    .strategy = DMA_ON_DEMAND,
    .policy = &evict_fifo,
    .flush = DMA_FLUSH_BATCH,
    .quota = DMA_NO_QUOTA,
    .evict_batch = 1,
};

void fixture_open(struct fixture *f, const struct dma_config *config)
{
    f->hw = fake_dma_new(iova(BASE), PAGES);
    f->hw->eager = true;
    f->memory = malloc(dma_domain_bytes(PAGES, config));
    memset(f->memory, 0xa5, dma_domain_bytes(PAGES, config));
    memset(f->words, 0x5a, sizeof f->words);
    struct dma_space space = {iova(BASE), hpa(FRAMES), PAGES, f->words,
                              config->strategy == DMA_NONE ? NULL : f->hw};
    assert_int_equal(dma_domain_init(f->memory, config, &space, &f->d), 0);
    assert_true(dma_domain_is_valid(f->d));
}

void fixture_close(struct fixture *f)
{
    assert_string_equal(f->hw->violation, "");
    assert_true(dma_domain_is_valid(f->d));
    fake_dma_free(f->hw);
    free(f->memory);
}

struct abi_dma_desc fixture_desc(uint32_t page, uint32_t pages, uint32_t rights)
{
    uint64_t at = BASE + page * PAGE_SIZE;

    return (struct abi_dma_desc){.op = ABI_DMA_OP_MAP,
                                 .rights = (uint8_t)rights,
                                 .pages = (uint16_t)pages,
                                 .status = 77,
                                 .iova = at,
                                 .page = at};
}

int fixture_map(struct fixture *f, uint32_t page, uint32_t pages, uint32_t rights)
{
    f->burst[0] = fixture_desc(page, pages, rights);
    int error = dma_map_burst(f->d, f->burst, 1);

    assert_true(dma_domain_is_valid(f->d));
    return error;
}

int fixture_use(struct fixture *f, uint32_t page, uint32_t pages, uint32_t rights)
{
    for (uint32_t i = page; i < page + pages; i++)
        f->words[i] += ABI_DMA_COUNT;
    int error = fixture_map(f, page, pages, rights);

    if (error)
        fixture_drop(f, page, pages);
    return error;
}

void fixture_drop(struct fixture *f, uint32_t page, uint32_t pages)
{
    for (uint32_t i = page; i < page + pages; i++)
        f->words[i] -= ABI_DMA_COUNT;
}

bool fixture_device(struct fixture *f, uint32_t page, bool write)
{
    hpa_t frame;

    if (!fake_dma_access(f->hw, iova(BASE + page * PAGE_SIZE + 8), write, &frame))
        return false;
    assert_int_equal(frame.v, FRAMES + page * PAGE_SIZE + 8);
    return true;
}

uint32_t fixture_resident(const struct fixture *f)
{
    return dma_domain_counters(f->d)->resident;
}

uint32_t fixture_count(const struct fixture *f, enum fake_operation operation)
{
    uint32_t count = 0;

    for (size_t i = 0; i < f->hw->history_count; i++)
        count += f->hw->history[i].operation == operation;
    return count;
}

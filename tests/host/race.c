/* SPDX-License-Identifier: MIT */
#include "tests/host/race.h"
#include <stdlib.h>
#include <string.h>
#include "kernel/dma/dma.h"
#include "tests/host/fake_dma_hw.h"

struct race race;

uint64_t race_address(uint32_t page)
{
    return RACE_BASE + page * PAGE_SIZE;
}

static void map_at_first(uint32_t pages, uint32_t rights)
{
    struct abi_dma_desc desc = {
        ABI_DMA_OP_MAP, (uint8_t)rights, (uint16_t)pages, 0, race_address(0), race_address(0), 0};

    if (dma_map_burst(race.d, &desc, 1) != 0)
        abort();
    for (uint32_t page = 0; page < pages; page++)
        race.words[page] |= ABI_DMA_VISITED | ABI_DMA_TOUCHED;
}

void race_open(const struct dma_config *config, uint32_t mapped, uint32_t rights)
{
    struct dma_space space = {iova(RACE_BASE), hpa(0x80000000), RACE_PAGES, race.words, NULL};

    memset(&race, 0, sizeof race);
    race.domain_bytes = dma_domain_bytes(RACE_PAGES, config);
    void *memory = calloc(1, race.domain_bytes);
    space.hw = race.hw = fake_dma_new(space.base, RACE_PAGES);
    race.quota = config->quota;
    if (!memory || dma_domain_init(memory, config, &space, &race.d) != 0)
        abort();
    if (mapped)
        map_at_first(mapped, rights);
}

void race_close(void)
{
    fake_dma_free(race.hw);
    free(race.d);
}

bool race_reaches(uint32_t page, uint32_t rights)
{
    return !(rights & ~fake_dma_surely(race.hw, page));
}

const char *race_astray(void)
{
    uint32_t resident = dma_domain_counters(race.d)->resident;

    if (race.hw->violations)
        return race.hw->violation;
    if (race.invalid)
        return race.invalid;
    if (resident > race.quota)
        return "more is resident than the quota allows";
    if (fake_dma_reachable(race.hw) > resident)
        return "the device reaches more than is counted";
    for (uint32_t page = 0; page < RACE_PAGES; page++)
        if (fake_dma_worst(race.hw, page) && !dma_domain_rights(race.d, page) &&
            !dma_domain_is_leaving(race.d, page))
            return "the device reaches a page that has left";
    return NULL;
}

static void leave(void)
{
    if (!dma_domain_is_valid(race.d))
        race.invalid = "the records are not valid after a call";
    race_leave();
}

/* As the hypervisor does it: the ring is read once. */
int race_call(const struct abi_dma_desc *ring, uint64_t count)
{
    struct abi_dma_desc burst[RACE_PAGES];
    int error;

    if (count > RACE_PAGES)
        abort();
    memcpy(burst, ring, count * sizeof burst[0]);
    race_enter();
    error = dma_map_burst(race.d, burst, (uint32_t)count);
    leave();
    return error;
}

int race_lower(uint32_t quota)
{
    int error;

    race_enter();
    error = dma_domain_set_quota(race.d, quota);
    if (!error)
        race.quota = quota;
    leave();
    return error;
}

void race_flush(void)
{
    race_enter();
    if (dma_domain_flush(race.d) != 0)
        abort();
    leave();
}

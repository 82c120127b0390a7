/* SPDX-License-Identifier: MIT */
#include "kernel/options_names.h"
#include "kernel/options.h"

const char *const options_strategy_names[] = {
    [DMA_NONE] = "none",
    [DMA_PASSTHROUGH] = "passthrough",
    [DMA_DIRECT] = "direct",
    [DMA_PERSISTENT] = "persistent",
    [DMA_ON_DEMAND] = "on-demand",
    [DMA_SHARED] = "shared",
    [DMA_SINGLE_USE] = "single-use",
    NULL,
};
const char *const options_flush_names[] = {
    [DMA_FLUSH_STRICT] = "strict",
    [DMA_FLUSH_DEFERRED] = "deferred",
    [DMA_FLUSH_PERCPU] = "percpu",
    [DMA_FLUSH_BATCH] = "batch",
    NULL,
};
const char *const options_calls_names[] = {
    [ABI_CALLS_SINGLE] = "single",
    [ABI_CALLS_PIGGYBACK] = "piggyback",
    [ABI_CALLS_BATCH] = "batch",
    NULL,
};
const char *const options_hits_names[] = {
    [DMA_HITS_FREE] = "table", [DMA_HITS_EXIT] = "exit", NULL};
const char *const options_irq_names[] = {[false] = "poll", [true] = "msi", NULL};

const char *const options_guest_names[] = {[false] = "vm", [true] = "native", NULL};

const char *dma_strategy_name(enum dma_strategy strategy)
{
    return options_strategy_names[strategy];
}

const char *dma_flush_name(enum dma_flush flush)
{
    return options_flush_names[flush];
}

const char *dma_calls_name(enum abi_dma_calls calls)
{
    return options_calls_names[calls];
}

const char *irq_name(bool msi)
{
    return options_irq_names[msi];
}

const char *guest_name(bool native)
{
    return options_guest_names[native];
}

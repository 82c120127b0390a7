/* SPDX-License-Identifier: MIT */
/* A unit that stops answering after some invalidations. */
#include <errno.h>
#include "kernel/dma/dma_hw.h"
#include "kernel/log.h"

#define GOOD_WAITS 20

int __real_dma_hw_wait(struct dma_hw *hw, dma_token_t token);
int __wrap_dma_hw_wait(struct dma_hw *hw, dma_token_t token);

int __wrap_dma_hw_wait(struct dma_hw *hw, dma_token_t token)
{
    static unsigned waits;

    if (waits++ < GOOD_WAITS)
        return __real_dma_hw_wait(hw, token);
    log_error("test", "token %lu never comes", token);
    return -ETIMEDOUT;
}

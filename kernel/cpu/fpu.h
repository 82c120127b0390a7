/* SPDX-License-Identifier: MIT */
/* The x87, MMX and SSE registers, which the hypervisor itself does not use: they stay a guest's
 * until another one runs on the same CPU. */
#ifndef KERNEL_CPU_FPU_H
#define KERNEL_CPU_FPU_H

#include <stdint.h>

/* FXSAVE's area in 64-bit mode (SDM volume 1, section 10.5.1). */
struct fpu_state {
    uint16_t control, status, tag, opcode;
    uint64_t ip, dp;
    uint32_t mxcsr, mxcsr_mask;
    uint64_t registers[60];
} __attribute__((aligned(16)));

_Static_assert(sizeof(struct fpu_state) == 512, "FXSAVE's area");

/* As after FNINIT and a reset: no byte of whoever used them before. */
#define FPU_FRESH ((struct fpu_state){.control = 0x37f, .mxcsr = 0x1f80})

/* Makes the registers of the calling CPU state's; those of whoever had them go to where they
 * belong. */
void fpu_switch(struct fpu_state *state);
/* state is about to be freed. */
void fpu_forget(const struct fpu_state *state);

#endif

/* SPDX-License-Identifier: MIT */
/* Sleeping on the CPU until an interrupt. Somebody must have asked for one. */
#ifndef KERNEL_WAIT_H
#define KERNEL_WAIT_H

/* Interrupts are off before and after. STI takes effect after HLT has begun, so that none is
 * missed in between. */
static inline void wait_for_interrupt(void)
{
    __asm__ volatile("sti; hlt; cli" ::: "memory");
}

#endif

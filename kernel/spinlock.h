/* SPDX-License-Identifier: MIT */
/* A lock for a few instructions' work. Taking it has a deadline as every wait has; what to do past
 * it is the caller's decision. Never taken in an interrupt handler. */
#ifndef KERNEL_SPINLOCK_H
#define KERNEL_SPINLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include "kernel/time.h"
#include "kernel/x86.h"

struct spinlock {
    atomic_bool held;
};

static inline bool spin_lock_us(struct spinlock *lock, uint64_t us)
{
    uint64_t end;

    if (!atomic_exchange_explicit(&lock->held, true, memory_order_acquire))
        return true;
    end = deadline_us(us);
    while (atomic_exchange_explicit(&lock->held, true, memory_order_acquire)) {
        if (deadline_passed(end))
            return false;
        cpu_pause();
    }
    return true;
}

static inline void spin_unlock(struct spinlock *lock)
{
    atomic_store_explicit(&lock->held, false, memory_order_release);
}

#endif

/* SPDX-License-Identifier: MIT */
#include "guest/hyper.h"

const struct abi_boot *boot;

bool hyper_init(const struct abi_boot *from_hypervisor)
{
    boot = from_hypervisor;
    return boot->magic == ABI_MAGIC && boot->version == ABI_VERSION;
}

int64_t hyper_call(uint64_t number, uint64_t first, uint64_t second)
{
    int64_t result;

    /* "memory": the hypervisor reads and writes what the arguments point to. */
    __asm__ volatile("call *%[page]"
                     : "=a"(result)
                     : "a"(number), "D"(first), "S"(second), [page] "r"(boot->hypercall)
                     : "memory", "cc");
    return result;
}

_Noreturn void hyper_exit(uint64_t status)
{
    for (;;)
        hyper_call(ABI_EXIT, status, 0);
}

void hyper_heartbeat(void)
{
    ++*(volatile uint64_t *)boot->heartbeat;
}

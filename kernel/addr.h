/* SPDX-License-Identifier: MIT */
/* Three kinds of address that must not mix: one-field structures, so that mixing does not compile.
 */
#ifndef KERNEL_ADDR_H
#define KERNEL_ADDR_H

#include <stdbool.h>
#include <stdint.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE  (1ull << PAGE_SHIFT)
#define PAGE_2M    (1ull << 21)
#define PAGE_1G    (1ull << 30)

typedef struct {
    uint64_t v;
} hpa_t; /* host-physical */

typedef struct {
    uint64_t v;
} gpa_t; /* guest-physical */

typedef struct {
    uint64_t v;
} iova_t; /* I/O-virtual: what the device puts on the bus */

static inline hpa_t hpa(uint64_t v)
{
    return (hpa_t){v};
}

static inline gpa_t gpa(uint64_t v)
{
    return (gpa_t){v};
}

static inline iova_t iova(uint64_t v)
{
    return (iova_t){v};
}

static inline uint64_t align_up(uint64_t v, uint64_t to)
{
    return (v + to - 1) & ~(to - 1);
}

static inline uint64_t align_down(uint64_t v, uint64_t to)
{
    return v & ~(to - 1);
}

static inline bool is_aligned(uint64_t v, uint64_t to)
{
    return (v & (to - 1)) == 0;
}

#endif

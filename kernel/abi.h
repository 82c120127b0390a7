/* SPDX-License-Identifier: MIT */
/*
 * The contract between Sluice and its guest; docs/abi.md tells it in prose. Depends on nothing but
 * <stdint.h>. Both sides are 64-bit little-endian. Addresses are guest-physical and, for DMA,
 * IOVA = GPA where no window says otherwise. Errors are negative Linux errno values.
 *
 * Entry: 64-bit long mode, CPL 0, interrupts off, RDI = GPA of struct abi_boot, RSP = top of a
 * stack inside guest RAM, paging on with all guest RAM and the device's registers mapped
 * at their own GPA (registers uncacheable). The image is a static-PIE ELF64, loaded and not
 * relocated: RIP is its entry point, and it applies its own relocations. On the bare machine
 * (guest=native) IF is set, but no interrupt is the guest's before it has loaded an IDT and, with
 * IF clear, made the next call: docs/abi.md.
 */
#ifndef KERNEL_ABI_H
#define KERNEL_ABI_H

#include <stdint.h>

#define ABI_MAGIC      0x43554c53u /* "SLUC" */
#define ABI_VERSION    3u
#define ABI_ARGS_BYTES 512u

/* abi_boot.dma_mode: how pages are mapped. */
enum abi_dma_mode {
    ABI_DMA_TABLE,      /* by the shared table; IOVA = GPA */
    ABI_DMA_SHARED,     /* by descriptors, in the window: mappings of a page share its IOVA */
    ABI_DMA_SINGLE_USE, /* by descriptors: an IOVA for each mapping */
};

/* abi_boot.dma_calls, with a window: when descriptors are handed over. */
enum abi_dma_calls {
    ABI_CALLS_SINGLE,    /* a call for each map and each unmap */
    ABI_CALLS_PIGGYBACK, /* a call for each map; unmaps go along */
    ABI_CALLS_BATCH,     /* a call for each burst of maps; unmaps go along */
};

#define ABI_IOVA_NAME 16u

/* Where a guest may place its mappings: rows of pages IOVA pages, the second stride bytes behind
 * the first. Three rows mean identity: page i of RAM at page i of a row, for READ | WRITE in the
 * first, WRITE in the second, READ in the third. */
struct abi_dma_window {
    uint64_t base;
    uint64_t stride;
    uint32_t pages;
    uint32_t rows;
};

struct abi_boot {
    uint32_t magic;   /* ABI_MAGIC */
    uint32_t version; /* ABI_VERSION */
    uint64_t ram_base;
    uint64_t ram_bytes;
    uint64_t heap_base; /* RAM that nothing else occupies: the guest's to use, page-aligned */
    uint64_t heap_bytes;
    uint64_t tsc_hz;    /* ticks of RDTSC in a second */
    uint64_t hypercall; /* entry of the hypercall page: call it, see below */
    uint64_t dma_table; /* one uint32_t a page of RAM, index (GPA - ram_base) >> 12 */
    uint64_t dma_ring;  /* ABI_DMA_BURST descriptors, one page */
    uint64_t heartbeat; /* uint64_t the guest must keep changing while it lives */
    uint64_t bar_base;  /* the device's memory BAR 0 */
    uint64_t bar_bytes;
    uint16_t device_vendor; /* PCI ids; 0 without a device */
    uint16_t device_id;
    uint32_t irq_vector; /* the device's interrupt, without an EOI; 0: poll */
    uint64_t seed;       /* for pseudo-random numbers: equal seeds, equal runs */
    uint32_t dma_mode;
    uint32_t dma_calls;
    struct abi_dma_window window; /* zeroes without one */
    char iova[ABI_IOVA_NAME];     /* the allocator to use in it, by name */
    uint64_t dma_flushed;         /* uint64_t: window pages that were unmapped for the last time and
                                     whose invalidation has completed, in the order of their unmaps.
                                     An IOVA used again before costs a wait */
    uint64_t trace;               /* struct abi_trace to record DMA maps and unmaps in; 0: do not */
    char args[ABI_ARGS_BYTES];    /* "work=tcp_rx,...": comma-separated key=value, 0-terminated */
};

/*
 * Hypercalls. Call the hypercall page as a function: RAX = number, RDI, RSI, RDX = arguments,
 * result in RAX; every other register is kept. Each does bounded work. Unknown numbers return
 * -ENOSYS.
 */
enum abi_hypercall {
    ABI_NULL = 0, /* does nothing; 0 */
    ABI_CONSOLE_WRITE =
        1, /* rdi = GPA of text, rsi = bytes <= ABI_CONSOLE_MAX; bytes taken, or -EFAULT, -E2BIG */
    ABI_EXIT = 2,     /* rdi = status, 0 is success; does not return */
    ABI_DMA_INIT = 3, /* rdi = floor in pages, not 0; 0, -EBUSY when done twice, -EINVAL, -ENODEV
                         without a device, -ENOSPC: the quota is below the floor (the guest is then
                         ended) */
    ABI_DMA_MAP = 4,  /* rdi = descriptors in the ring, 1..ABI_DMA_BURST; 0 when all took effect,
                         else none did: -ENOSPC (all of the quota is in use: retry after an unmap),
                         -EINVAL (before ABI_DMA_INIT, too), -E2BIG, -ENOMEM, -ERANGE (beyond the
                         IOMMU's reach); with a window -EEXIST, -ENOENT, -EOVERFLOW; each
                         descriptor's status says which */
    ABI_WINDOW_BEGIN = 5, /* begins the measured window; rdi, rsi unused; 0, -EBUSY inside of one or
                             after the last that a guest may have */
    ABI_WINDOW_END = 6, /* rdi = GPA of struct abi_window; ends it and prints the result record; 0,
                           -EFAULT, -EINVAL without a begin or for counts that cannot be */
    ABI_WAIT_UNTIL = 7, /* rdi = TSC value; returns 0 then, or at once when past, and as soon as an
                           interrupt of the device's has come since the last WAIT_UNTIL or HLT
                           ended, taken already or not. Waits at most half of the liveness deadline
                         */
    ABI_CALIBRATE_PAGE = 8, /* GPA of a page outside RAM, which is not there: the next access to it
                               has the hypervisor map it, until a further call of these two or the
                               window's end; -EPERM unless the command line has this guest
                               calibrate, -EBUSY after CALIBRATE_END, -ENODEV without a
                               nested table, -ENOMEM */
    ABI_CALIBRATE_END = 9,  /* rdi = GPA of struct abi_calibration; measures the invalidation queue
                               and prints the calibrate record, once; 0, -EPERM, -EBUSY, -EFAULT,
                               -EINVAL for figures that cannot be */
    ABI_HYPERCALLS
};

#define ABI_CONSOLE_MAX 4096u

/* A further number of the workload's own, for the record. An empty key is none. */
#define ABI_FIGURES 10u

struct abi_figure {
    char key[16]; /* 0-terminated, [a-z0-9_] */
    uint64_t value;
};

/* What only the guest can count, over the measured window (hits and unmaps never exit). */
struct abi_window {
    char workload[32];      /* name in the result record, 0-terminated, [a-z0-9_] */
    uint64_t packets;       /* sent + received */
    uint64_t bytes;         /* payload bytes */
    uint64_t maps;          /* pages mapped: a burst over n pages counts n */
    uint64_t misses;        /* of these, not resident with the right when mapped */
    uint64_t pages_touched; /* distinct pages with a live mapping at any time in the window */
    uint64_t busy_tsc;      /* ticks outside idle polling */
    struct abi_figure figure[ABI_FIGURES];
};

#define ABI_CALIBRATE_TIMES 512u /* measurements of a thing, at most */

/* Of times measurements in TSC ticks; times 0: not measured. */
struct abi_spread {
    uint64_t times, min, median, p99;
};

/* What only the guest can measure: docs/costs.md says how. */
struct abi_calibration {
    struct abi_spread clock;          /* two looks at the clock: in each of the others, too */
    struct abi_spread hypercall;      /* ABI_NULL */
    struct abi_spread nested_fault;   /* an access that the hypervisor has to map */
    struct abi_spread miss;           /* ABI_DMA_MAP of one page; with evictions; with neither a */
    struct abi_spread miss_evict;     /* strategy that calls for it nor room, not measured */
    struct abi_spread register_write; /* to the device */
    struct abi_spread interrupt;      /* from the write that raises it until its handler has run */
    struct abi_spread interrupt_exit; /* the longest that the guest did not run meanwhile */
};

/*
 * The shared DMA table. A word: count of live mappings in the high 24 bits (an overflow leaves the
 * word), flags below. READ and WRITE are residency, from the device's side: the device may read,
 * may write; only the hypervisor sets or clears them. VISITED is set by the guest when it is clear
 * and cleared by the hypervisor. TOUCHED belongs to the guest alone (it counts pages_touched with
 * it).
 *
 * Map: one locked add of ABI_DMA_COUNT. If the old word has the rights: a hit, done. Else put a
 * descriptor into the ring (the reference is already held) and make one ABI_DMA_MAP for the burst.
 * On error give the references back. Unmap: one locked subtract. A word whose count is not 0 is
 * never evicted.
 */
#define ABI_DMA_READ    0x1u
#define ABI_DMA_WRITE   0x2u
#define ABI_DMA_RIGHTS  0x3u
#define ABI_DMA_VISITED 0x4u
#define ABI_DMA_TOUCHED 0x8u
#define ABI_DMA_COUNT   0x100u

#define ABI_DMA_BURST     64u /* descriptors a call */
#define ABI_DMA_MAX_PAGES 64u /* pages a descriptor */

#define ABI_DMA_OP_MAP 1u
#define ABI_DMA_OP_UNMAP \
    2u /* with a window only: ends one mapping of each page; rights and page 0 */

struct abi_dma_desc {
    uint8_t op;        /* ABI_DMA_OP_ */
    uint8_t rights;    /* ABI_DMA_READ | ABI_DMA_WRITE */
    uint16_t pages;    /* 1..ABI_DMA_MAX_PAGES, consecutive */
    int32_t status;    /* written by the hypervisor: 0 or a negative errno value */
    uint64_t iova;     /* where the device shall see them; page-aligned. = page without a window */
    uint64_t page;     /* GPA of the first page, page-aligned */
    uint64_t reserved; /* 0 */
};

/*
 * The last maps and unmaps of the guest's driver, hits included: only the guest sees them all.
 * Events first..next-1 are there, event i at i % events. What is left behind when an event makes
 * room for a newer one is held: the live mappings of each page when the oldest event came.
 */
#define ABI_TRACE_PAGE         0x03ffffffu /* index of the page in guest RAM */
#define ABI_TRACE_RIGHTS_SHIFT 26          /* ABI_DMA_RIGHTS of a map; 0 in an unmap */
#define ABI_TRACE_UNMAP        0x80000000u

struct abi_trace_event {
    uint32_t time_us; /* since any moment; wraps */
    uint32_t what;
};

struct abi_trace {
    uint64_t events; /* room; written by the hypervisor */
    uint64_t first, next;
    struct abi_trace_event event[]; /* events of them, then a uint32_t held for each page */
};

_Static_assert(sizeof(struct abi_dma_desc) == 32, "descriptor layout is ABI");
_Static_assert(sizeof(struct abi_window) == 80 + ABI_FIGURES * 24, "window layout is ABI");

#endif

/* SPDX-License-Identifier: MIT */
/* One guest: its memory, its nested table, its device and DMA domain, its vCPU, from a pristine
 * image to its end. */
#ifndef KERNEL_VM_H
#define KERNEL_VM_H

#include <stdbool.h>
#include <stdint.h>
#include "drivers/pci.h"
#include "kernel/abi.h"
#include "kernel/addr.h"
#include "kernel/bootinfo.h"
#include "kernel/cmdline.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/nested.h"
#include "kernel/dma/dma.h"
#include "kernel/dma/iova.h"

struct vm_params {
    const struct boot_module *image; /* checked and copied, never changed */
    const char *args;                /* abi_boot.args */
    uint64_t memory;                 /* bytes, a multiple of 2 MiB */
    bool native;                     /* on the bare machine, cpu is native_ops */
    bool identity;                   /* GPA = HPA; otherwise they differ on purpose */
    struct pci_function *nic;        /* NULL: a guest without a device */
    bool msi;                        /* its interrupts reach the guest; else the guest polls */
    struct dma_config dma; /* quota is resolved from quota_spec when the guest declares its floor */
    const struct iova_allocator *iova; /* the guest's, with a window */
    enum abi_dma_calls calls;          /* likewise */
    struct quota_spec quota;
    uint64_t working_set; /* pages; 0: not known */
    uint32_t deadline_ms; /* heartbeat must move within */
    uint32_t limit_s;     /* and the guest end within */
    uint64_t trace;       /* events to keep of its DMA maps and unmaps; 0: none */
    bool trace_dump;      /* and to print once it has ended */
    uint64_t seed;
    uint32_t number; /* of the case, for records */
    bool calibrates; /* it may ask for what work=calibrate needs */
};

enum vm_end {
    VM_END_EXIT,     /* the guest said so: status */
    VM_END_CRASH,    /* it did what a guest must not do */
    VM_END_DEADLINE, /* its heartbeat stopped, or it took too long */
    VM_END_REFUSED,  /* settings that cannot work (quota below the floor) or an image that cannot be
                        loaded */
    VM_END_HARDWARE, /* the IOMMU or the device did not answer: nothing of it is reused */
};

/* Counters of the measured window, kept by the hypervisor. */
struct vm_counters {
    uint64_t hypercalls; /* without WINDOW_BEGIN and WINDOW_END, CONSOLE_WRITE included */
    uint64_t exits;      /* all but the hypervisor's own; a native guest has none */
    uint64_t exits_host; /* watchdog ticks and other host interrupts */
    uint64_t interrupts; /* that the device raised */
    uint64_t by_reason[CPU_EXIT_REASONS];
};

/* What a finished window holds: the record's fields. */
struct vm_result {
    struct abi_window guest;
    struct vm_counters cpu;
    struct dma_counters dma_begin, dma_end; /* resident_peak of dma_end is the window's */
    struct dma_hw_stats hw_begin, hw_end;
    uint64_t faults, tsc;
    uint32_t quota; /* resolved pages or DMA_NO_QUOTA */
    uint32_t floor;
};

#define VM_MAX_RESULTS 4

struct vm_outcome {
    enum vm_end end;
    uint64_t status;
    char reason[192]; /* in words, for all but EXIT with status 0 */
    uint32_t results; /* windows finished */
    struct vm_result result[VM_MAX_RESULTS];
};

/*
 * Makes a fresh guest, runs it to its end and takes it apart: device quiet, blocked, reset; memory
 * freed or, after a hardware deadline, quarantined. 0, or -ENOMEM when it could not be made (said
 * on the console). The outcome tells the rest.
 */
int vm_run(const struct vm_params *params, const struct cpu_ops *cpu, struct vm_outcome *outcome);

/* Prints the DMA maps that the last guest recorded, as trace records; false when it recorded none,
 * or what it held is not to be touched. */
bool vm_trace_again(void);

/* When the guest last showed a sign of life. */
struct vm_watch {
    uint64_t beat;  /* the heartbeat word, as last seen to change */
    uint64_t since; /* TSC then */
    uint64_t look;  /* TSC from which the next look is due */
    uint64_t last;  /* TSC by which the guest must have ended */
};

/* The device's interrupts, by how many it has raised since boot. */
struct vm_interrupt {
    bool is_open;   /* the device can raise one */
    uint64_t asked; /* up to here the vCPU has been asked to take one */
    uint64_t woken; /* up to here they have ended a sleep of the guest's */
};

/* A page for measuring nested faults, with work=calibrate. */
struct vm_calibrate {
    hpa_t frame;    /* 0: none yet */
    bool is_armed;  /* the next access to the page maps it */
    bool is_mapped; /* as one did */
    bool is_over;   /* the record is printed */
};

/* The guest while it runs. Only hypercall.c, vcpu*.c and vm*.c look inside, and the walker. */
struct vm {
    const struct vm_params *params;
    const struct cpu_ops *cpu;
    struct vm_outcome *outcome;
    struct vcpu vcpu;
    struct nested_table *nested;
    hpa_t ram; /* first frame; the rest follow */
    gpa_t ram_gpa;
    uint64_t ram_bytes;
    gpa_t bar_gpa;
    struct dma_hw *hw;      /* NULL with DMA_NONE */
    struct dma_domain *dma; /* NULL until ABI_DMA_INIT resolved the quota */
    void *dma_memory;
    uint64_t dma_memory_frames;
    uint32_t quota, floor; /* pages; quota DMA_NO_QUOTA: none. 0: not known yet */
    gpa_t dma_table, dma_ring, heartbeat, hypercall, trace;
    gpa_t image;
    uint64_t used; /* bytes from ram on that are not the heap's */
    struct vm_interrupt interrupt;
    struct vm_calibrate calibrate;
    bool is_open;    /* the device's bus mastering is on */
    bool attached;   /* its context entry points to hw */
    bool is_tainted; /* a DMA into this guest's memory may still be under way */
    bool ended;      /* outcome->end is set */
    struct vm_watch watch;
    uint64_t waiting_since; /* TSC: pages wait in a deferred queue. 0: none does */
    uint64_t last_call;     /* number of the last hypercall, for reports */
    bool in_window;
    struct vm_result window;     /* the open one: begin values */
    struct vm_counters counters; /* since the guest started */
};

/* The hypervisor's pointer to [address, address + bytes) of guest RAM, NULL unless all of it is
 * inside. Dereference only between guest_access_begin and _end. */
void *vm_ram(const struct vm *vm, gpa_t address, uint64_t bytes);
/* Ends the guest: the run loop returns after this. The first end stays, save that VM_END_HARDWARE
 * replaces any other. */
void vm_end(struct vm *vm, enum vm_end end, uint64_t status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* vcpu.c: enters the guest until vm->ended. */
void vcpu_loop(struct vm *vm);
/* hypercall.c: serves the one in vcpu.regs and writes its result. */
void hypercall(struct vm *vm);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The parts of a guest's life, each in a unit of its own, in the order in which vm.c calls them. A
 * step that makes something returns 0, or -ENOMEM, or another error after vm_end: then the outcome
 * tells. A step that unmakes something takes what was never made.
 */
#ifndef KERNEL_VM_PARTS_H
#define KERNEL_VM_PARTS_H

#include "kernel/vm.h"

/* vm_memory.c: RAM, the nested table, the device's registers in it. */
int vm_memory_create(struct vm *vm);
void vm_memory_destroy(struct vm *vm);

/* vm_load.c: everything in guest RAM before the first instruction, and the registers. */
int vm_load(struct vm *vm);
/* Page-aligned room from the start of guest RAM on; before the guest runs only. */
gpa_t vm_take(struct vm *vm, uint64_t bytes);

/* vm_tables.c: the guest's own first page tables: its RAM and its device's registers at their GPA.
 * Returns CR3. */
gpa_t vm_tables_build(struct vm *vm);

/* vm_device.c: the steps of an assignment. */

/* Before: the registers answer, and nothing of an earlier owner is left. */
int vm_device_reset(struct vm *vm);
/* The device may reach what vm->hw maps, or with DMA_NONE everything. */
int vm_device_open(struct vm *vm);
/* After, or when the IOMMU fails: no DMA starts any more. Twice does no harm. */
void vm_device_quiet(struct vm *vm);
/* And none gets through. */
void vm_device_close(struct vm *vm);

/* vm_interrupt.c: the device's interrupts, with irq=msi. */

#define VM_IRQ_VECTOR 0x30u /* the guest's */

/* The device raises them from now on, once its bus mastering is on. */
int vm_interrupt_open(struct vm *vm);
void vm_interrupt_close(struct vm *vm);
/* One has come that the vCPU has not been asked to take. */
bool vm_interrupt_is_new(const struct vm *vm);
/* Before each entry, interrupts off since then: asks the vCPU to take it. */
void vm_interrupt_forward(struct vm *vm);
/* One has come since the guest was last woken: it must not fall asleep. */
bool vm_interrupt_wakes(const struct vm *vm);
void vm_interrupt_woken(struct vm *vm);

/* vm_dma.c: the domain and its quota. */
int vm_dma_create(struct vm *vm);
/* The IOVAs of the guest's choice, where the strategy has such. */
struct dma_window vm_dma_window(const struct vm *vm);
/* Where the guest finds dma_flushed: behind the ring. */
gpa_t vm_dma_flushed(const struct vm *vm);
/* ABI_DMA_INIT: its result. */
int vm_dma_set_floor(struct vm *vm, uint64_t floor);
/* ABI_DMA_MAP: its result. */
int vm_dma_map(struct vm *vm, uint64_t descriptors);
/* Called at every exit and while a call waits: hands a deferred queue over before its first page is
 * 10 ms old. */
void vm_dma_look(struct vm *vm);
/* How long a sleep may be before the next such look: at most us microseconds. */
uint64_t vm_dma_sleep(const struct vm *vm, uint64_t us);
/* The IOMMU did not answer: the device stops, and the guest ends. Returns -ETIMEDOUT. */
int vm_dma_timed_out(struct vm *vm);
void vm_dma_destroy(struct vm *vm);

/* vm_trace.c: the guest's record of its DMA maps (abi_trace). Refuses a ring that is not small
 * beside the guest's RAM. */
int vm_trace_create(struct vm *vm);
/* Prints what it left, if that was asked for. */
void vm_trace_dump(const struct vm *vm);
/* The frames that hold it, from *first on (0 without one), stay in use when the guest's RAM is
 * freed: for vm_trace_again(), until vm_trace_forget(). */
uint64_t vm_trace_keep(const struct vm *vm, hpa_t *first);
void vm_trace_forget(void);

/* vm_window.c: the measured window; both return the hypercall's result. */
int vm_window_begin(struct vm *vm);
int vm_window_end(struct vm *vm, gpa_t guest_counts);

/* vm_console.c: ABI_CONSOLE_WRITE; returns its result. */
int64_t vm_console_write(struct vm *vm, gpa_t text, uint64_t bytes);

#define WATCH_HZ 10  /* looks a second while the guest runs */
#define FLUSH_HZ 200 /* with a deferred queue: two looks in the time that a page may wait */

/* vm_watch.c: signs of life. */
void vm_watch_start(struct vm *vm);
/* Called at every exit, looks once a tick: IOMMU faults, and ends the guest when it is past its
 * deadline. */
void vm_watch_look(struct vm *vm);
/* Starts the timer that makes the guest exit for these looks. */
void vm_watch_timer(const struct vm *vm);
/* The heartbeat word as it is now. */
uint64_t vm_heartbeat(const struct vm *vm);

/* vm_rescue.c: a native guest with interrupts off past its deadline leaves by an NMI. false: there
 * is no second CPU to send it, and nothing to end. */
bool vm_rescue_begin(const struct vm *vm);
void vm_rescue_end(void);

/* vm_calibrate.c: what work=calibrate asks for; the two calls' results. */
int64_t vm_calibrate_page(struct vm *vm);
int vm_calibrate_end(struct vm *vm, gpa_t figures);
/* True when this access was to the page, and it is there now. */
bool vm_calibrate_fault(struct vm *vm, const struct cpu_exit *exit);
/* The page is gone: before anybody looks at what the guest can reach. */
void vm_calibrate_close(struct vm *vm);

/* vm_report.c: ends the guest with what it did in words, and shows its registers. */
void vm_crash(struct vm *vm, const struct cpu_exit *exit);
/* Registers, code and last hypercall on the console. */
void vm_report(struct vm *vm);

/* vcpu_cpuid.c: the leaf in EAX and ECX as the guest may see it, into its registers. */
void vcpu_cpuid(struct cpu_regs *regs);

/* vm.c: the walker looks through all tables; what it finds ends the guest. */
void vm_check_isolation(struct vm *vm);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Guest RAM before the first instruction. The stack comes first, so that one that overflows leaves
 * RAM and is seen; then what abi.h promises, the page tables, the image, and the heap takes the
 * rest.
 */
#include <errno.h>
#include <string.h>
#include "kernel/elf.h"
#include "kernel/mem.h"
#include "kernel/panic.h"
#include "kernel/time.h"
#include "kernel/vm_parts.h"
#include "lib/fmt.h"

#define STACK_BYTES (64ull << 10)

gpa_t vm_take(struct vm *vm, uint64_t bytes)
{
    gpa_t at = gpa(vm->ram_gpa.v + vm->used);

    vm->used += align_up(bytes, PAGE_SIZE);
    ASSERT(vm->used <= vm->ram_bytes);
    return at;
}

static int check_image(struct vm *vm, struct elf_image *elf)
{
    const struct boot_module *module = vm->params->image;
    const char *why;

    if (elf_check(phys_to_virt(module->base), module->bytes, vm->ram_bytes - vm->used, elf, &why) ==
        0)
        return 0;
    vm_end(vm, VM_END_REFUSED, 0,
           "the guest image %s cannot be loaded: %s (give a static-PIE ELF64 as the boot module)",
           module->name, why);
    return -ENOEXEC;
}

static void place_image(struct vm *vm, const struct elf_image *elf)
{
    const uint8_t *from = phys_to_virt(vm->params->image->base);
    uint8_t *to;

    vm->image = vm_take(vm, elf->memory_bytes);
    to = vm_ram(vm, vm->image, elf->memory_bytes);
    /* Fresh frames are zeroes, so what a segment has beyond its file bytes is right already. */
    for (uint32_t i = 0; i < elf->segments; i++)
        memcpy(to + elf->segment[i].address, from + elf->segment[i].file_offset,
               elf->segment[i].file_bytes);
}

static void describe_device(const struct vm *vm, struct abi_boot *boot)
{
    const struct pci_function *nic = vm->params->nic;

    if (!nic)
        return;
    boot->bar_base = vm->bar_gpa.v;
    boot->bar_bytes = nic->bar[0].bytes;
    boot->device_vendor = nic->vendor;
    boot->device_id = nic->device;
    boot->irq_vector = vm->params->msi ? VM_IRQ_VECTOR : 0;
}

static void describe_dma(const struct vm *vm, struct abi_boot *boot)
{
    enum dma_strategy strategy = vm->params->dma.strategy;
    struct dma_window w = vm_dma_window(vm);

    boot->dma_table = vm->dma_table.v;
    boot->dma_ring = vm->dma_ring.v;
    boot->dma_flushed = vm_dma_flushed(vm).v;
    boot->trace = vm->params->trace ? vm->trace.v : 0;
    if (!dma_strategy_has_window(strategy))
        return;
    boot->dma_mode = strategy == DMA_SHARED ? ABI_DMA_SHARED : ABI_DMA_SINGLE_USE;
    boot->dma_calls = vm->params->calls;
    boot->window = (struct abi_dma_window){w.base.v, w.stride, w.pages, w.rows};
    fmt_snprintf(boot->iova, sizeof boot->iova, "%s", vm->params->iova->name);
}

static void describe(struct vm *vm, gpa_t at)
{
    struct abi_boot boot = {
        .magic = ABI_MAGIC,
        .version = ABI_VERSION,
        .ram_base = vm->ram_gpa.v,
        .ram_bytes = vm->ram_bytes,
        .heap_base = vm->ram_gpa.v + vm->used,
        .heap_bytes = vm->ram_bytes - vm->used,
        .tsc_hz = tsc_hz(),
        .hypercall = vm->hypercall.v,
        .heartbeat = vm->heartbeat.v,
        .seed = vm->params->seed,
    };

    describe_device(vm, &boot);
    describe_dma(vm, &boot);
    fmt_snprintf(boot.args, sizeof boot.args, "%s", vm->params->args);
    memcpy(vm_ram(vm, at, sizeof boot), &boot, sizeof boot);
}

/* All but the image, whose size is its own to say. Returns where the boot structure goes. */
static gpa_t lay_out(struct vm *vm)
{
    struct cpu_state state;
    gpa_t boot;

    vm->cpu->get_state(&vm->vcpu, &state);
    state.rsp = vm_take(vm, STACK_BYTES).v + STACK_BYTES;
    boot = vm_take(vm, sizeof(struct abi_boot));
    vm->hypercall = vm_take(vm, PAGE_SIZE);
    vm->heartbeat = vm_take(vm, PAGE_SIZE);
    vm->dma_ring = vm_take(vm, ABI_DMA_BURST * sizeof(struct abi_dma_desc) + sizeof(uint64_t));
    vm->dma_table = vm_take(vm, (vm->ram_bytes >> PAGE_SHIFT) * sizeof(uint32_t));
    vm->cpu->hypercall_code(&vm->vcpu, vm_ram(vm, vm->hypercall, PAGE_SIZE));
    state.cr3 = vm_tables_build(vm).v;
    vm->cpu->set_state(&vm->vcpu, &state);
    vm->vcpu.regs.rdi = boot.v;
    return boot;
}

static int check_args(struct vm *vm)
{
    if (strlen(vm->params->args) < ABI_ARGS_BYTES)
        return 0;
    vm_end(vm, VM_END_REFUSED, 0,
           "the guest's arguments are longer than %u bytes: shorten guest=", ABI_ARGS_BYTES - 1);
    return -E2BIG;
}

int vm_load(struct vm *vm)
{
    struct elf_image elf;
    int error = check_args(vm);
    gpa_t boot;

    if (error)
        return error;
    guest_access_begin();
    boot = lay_out(vm);
    guest_access_end();

    error = vm_trace_create(vm);
    if (!error)
        error = check_image(vm, &elf);
    if (error)
        return error;
    guest_access_begin();
    place_image(vm, &elf);
    describe(vm, boot);
    guest_access_end();
    vm->vcpu.regs.rip = vm->image.v + elf.entry;
    return 0;
}

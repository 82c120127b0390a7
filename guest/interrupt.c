/* SPDX-License-Identifier: MIT */
#include "guest/interrupt.h"

#include <stddef.h>
#include "guest/console.h"
#include "guest/hyper.h"

#define EXCEPTIONS     32u
#define VECTORS        256u
#define STUB_BYTES     16u
#define SELECTOR_CODE  0x08u
#define SELECTOR_DATA  0x10u
#define SEGMENT_CODE   0x00af9b000000ffffull /* 64-bit, present, readable, accessed */
#define SEGMENT_DATA   0x00cf93000000ffffull
#define GATE_INTERRUPT 0x8e00u /* present, ring 0, clears IF */

/* SDM volume 3 section 6.14.1 */
struct gate {
    uint16_t offset_low, selector, type, offset_middle;
    uint32_t offset_high, reserved;
};

struct table_register {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

/* As guest/interrupt.asm and, from error on, the processor push it. */
struct interrupt_frame {
    uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

_Static_assert(sizeof(struct gate) == 16, "SDM 6.14.1");

extern volatile uint64_t interrupt_taken;
extern const char interrupt_stubs[], image_base[];
void interrupt_serve(void);
void interrupt_load(const struct table_register *gdt, const struct table_register *idt,
                    uint16_t code, uint16_t data);
_Noreturn void interrupt_exception(const struct interrupt_frame *frame, uint64_t cr2);

/* IRETQ loads segments from a table, and the hypervisor's entry leaves none. */
static const uint64_t segments[] = {0, SEGMENT_CODE, SEGMENT_DATA};
static struct gate gates[VECTORS];

static const char *const names[EXCEPTIONS] = {
    [0] = "division error",      [6] = "invalid opcode", [8] = "double fault",
    [13] = "general protection", [14] = "page fault",
};

_Noreturn void interrupt_exception(const struct interrupt_frame *frame, uint64_t cr2)
{
    const char *name = names[frame->vector] ? names[frame->vector] : "exception";

    fail("crashed: exception %u (%s, error 0x%x) at RIP 0x%zx = image + 0x%zx; CR2 0x%zx, RSP "
         "0x%zx",
         (unsigned)frame->vector, name, (unsigned)frame->error, (size_t)frame->rip,
         (size_t)(frame->rip - (uintptr_t)image_base), (size_t)cr2, (size_t)frame->rsp);
}

static struct gate gate_to(uintptr_t handler)
{
    return (struct gate){.offset_low = (uint16_t)handler,
                         .selector = SELECTOR_CODE,
                         .type = GATE_INTERRUPT,
                         .offset_middle = (uint16_t)(handler >> 16),
                         .offset_high = (uint32_t)(handler >> 32)};
}

void interrupt_start(void)
{
    const struct table_register gdt = {sizeof(segments) - 1, (uintptr_t)segments};
    const struct table_register idt = {sizeof(gates) - 1, (uintptr_t)gates};

    if (!interrupt_is_on())
        return;
    if (boot->irq_vector < EXCEPTIONS || boot->irq_vector >= VECTORS)
        fail("the hypervisor's vector %u is none for an interrupt", boot->irq_vector);
    for (unsigned i = 0; i < EXCEPTIONS; i++)
        gates[i] = gate_to((uintptr_t)interrupt_stubs + i * STUB_BYTES);
    gates[boot->irq_vector] = gate_to((uintptr_t)interrupt_serve);
    /* Without virtualization LIDT takes the table of the hypervisor's own interrupts away, and it
     * learns of this one at the next call. Until then none may come. */
    __asm__ volatile("cli" ::: "memory");
    interrupt_load(&gdt, &idt, SELECTOR_CODE, SELECTOR_DATA);
    hyper_call(ABI_NULL, 0, 0);
    __asm__ volatile("sti" ::: "memory");
}

bool interrupt_is_on(void)
{
    return boot->irq_vector != 0;
}

uint64_t interrupt_count(void)
{
    return interrupt_taken;
}

/* STI takes effect after HLT has begun: none is missed in between. */
void interrupt_hlt(uint64_t count)
{
    __asm__ volatile("cli" ::: "memory");
    if (interrupt_taken == count)
        __asm__ volatile("sti; hlt" ::: "memory");
    else
        __asm__ volatile("sti" ::: "memory");
}

/* SPDX-License-Identifier: MIT */
/*
 * Events through the guest's own interrupt table, done as the processor does it for a handler of
 * the same privilege (SDM volume 3, section 6.14.2). The table that the processor uses is the
 * hypervisor's throughout: it has to see the timer, and the guest does not say EOI.
 */
#include "kernel/apic.h"
#include "kernel/cpu/native.h"
#include "kernel/cpu/nested.h"
#include "kernel/mem.h"
#include "kernel/percpu.h"
#include "kernel/trap.h"
#include "kernel/x86.h"

#define GATE_BYTES     16u
#define GATE_PRESENT   (1ull << 47)
#define GATE_TYPE      (0xfull << 40)
#define GATE_INTERRUPT (0xeull << 40)
#define GATE_TRAP      (0xfull << 40)

#define RFLAGS_TF (1ull << 8)
#define RFLAGS_NT (1ull << 14)
#define RFLAGS_RF (1ull << 16)

/* The word at address, as the guest sees it; NULL when it cannot. */
static uint64_t *word_at(const struct vcpu *v, uint64_t address, bool write)
{
    unsigned rights;
    hpa_t page;

    if (address % sizeof(uint64_t) != 0 ||
        nested_lookup(v->nested, gpa(align_down(address, PAGE_SIZE)), &page, &rights) != 0 ||
        (write && !(rights & NESTED_WRITE)))
        return NULL;
    return phys_to_virt(hpa(page.v + address % PAGE_SIZE));
}

static bool read_word(const struct vcpu *v, uint64_t address, uint64_t *value)
{
    const volatile uint64_t *word = word_at(v, address, false);

    if (!word)
        return false;
    guest_access_begin();
    *value = *word;
    guest_access_end();
    return true;
}

static bool push(const struct vcpu *v, struct native_frame *f, uint64_t value)
{
    volatile uint64_t *word = word_at(v, f->rsp - sizeof value, true);

    if (!word)
        return false;
    f->rsp -= sizeof value;
    guest_access_begin();
    *word = value;
    guest_access_end();
    return true;
}

static bool read_gate(const struct vcpu *v, uint8_t vector, uint64_t *handler, bool *is_trap)
{
    const struct native_vcpu *n = v->backend;
    uint64_t low, high, at = n->idt.base + vector * GATE_BYTES;

    if ((vector + 1u) * GATE_BYTES - 1 > n->idt.limit || !read_word(v, at, &low) ||
        !read_word(v, at + sizeof low, &high))
        return false;
    *handler = high << 32 | (low >> 32 & 0xffff0000u) | (low & 0xffff);
    *is_trap = (low & GATE_TYPE) == GATE_TRAP;
    return (low & GATE_PRESENT) && (*is_trap || (low & GATE_TYPE) == GATE_INTERRUPT) &&
           (low >> 16 & 0xffff) == SELECTOR_CODE;
}

static bool deliver(struct vcpu *v, const struct cpu_exception *e)
{
    struct native_frame *f = &((struct native_vcpu *)v->backend)->context->frame;
    uint64_t rsp = f->rsp, handler;
    bool is_trap;

    if (!read_gate(v, e->vector, &handler, &is_trap))
        return false;
    f->rsp = align_down(rsp, 16);
    if (!push(v, f, f->ss) || !push(v, f, rsp) || !push(v, f, f->rflags) || !push(v, f, f->cs) ||
        !push(v, f, v->regs.rip) || (e->has_error && !push(v, f, e->error)))
        return false;
    f->rflags &= ~(RFLAGS_TF | RFLAGS_NT | RFLAGS_RF | (is_trap ? 0 : RFLAGS_IF));
    v->regs.rip = handler;
    return true;
}

/* The guest holds it back, and nothing tells when it no longer does: so one of the host's waits
 * beside it, which the processor holds back just as long. */
static void wait_for_window(void)
{
    apic_send_vector(apic_id(), TRAP_CALL);
}

bool native_deliver(struct vcpu *v)
{
    struct native_vcpu *n = v->backend;
    bool done = true;

    if (n->has_exception) {
        n->has_exception = false;
        if (n->exception.vector == TRAP_PAGE_FAULT)
            write_cr2(n->exception.address);
        done = deliver(v, &n->exception);
    }
    if (!done || !n->has_interrupt || n->idt.limit == 0)
        return done;
    if (!(n->context->frame.rflags & RFLAGS_IF)) {
        wait_for_window();
        return true;
    }
    n->has_interrupt = false;
    return deliver(v, &(struct cpu_exception){.vector = n->interrupt});
}

/* SPDX-License-Identifier: MIT */
#include <stdatomic.h>
#include <string.h>
#include "kernel/apic.h"
#include "kernel/layout.h"
#include "kernel/log.h"
#include "kernel/paging.h"
#include "kernel/panic.h"
#include "kernel/smp.h"
#include "kernel/trap.h"
#include "kernel/x86.h"
#include "lib/fmt.h"

#define REASON_BYTES 320
#define WHERE_BYTES  96
#define CALLS_SHOWN  32
#define NOBODY       UINT32_MAX

static _Atomic uint32_t owner = NOBODY; /* the CPU whose panic it is */
static unsigned depth;                  /* of panics inside the panic */

/* SDM volume 3 table 6-1, APM volume 2 table 8-1. */
static const char *const exception_names[TRAP_EXCEPTIONS] = {
    [0] = "#DE divide error",
    [1] = "#DB debug exception",
    [2] = "NMI non-maskable interrupt",
    [3] = "#BP breakpoint",
    [4] = "#OF overflow",
    [5] = "#BR bound range exceeded",
    [6] = "#UD invalid opcode",
    [7] = "#NM no FPU or SSE for the hypervisor",
    [8] = "#DF double fault",
    [10] = "#TS invalid TSS",
    [11] = "#NP segment not present",
    [12] = "#SS stack fault",
    [13] = "#GP general protection",
    [14] = "#PF page fault",
    [16] = "#MF floating-point error",
    [17] = "#AC alignment check",
    [18] = "#MC machine check",
    [19] = "#XM SIMD floating-point error",
    [20] = "#VE virtualization exception",
    [21] = "#CP control protection",
    [28] = "#HV hypervisor injection",
    [29] = "#VC VMM communication",
    [30] = "#SX security exception",
};

/* Bits of a page fault's error code: SDM volume 3 section 4.7. */
#define PF_PRESENT  (1u << 0)
#define PF_WRITE    (1u << 1)
#define PF_USER     (1u << 2)
#define PF_RESERVED (1u << 3)
#define PF_FETCH    (1u << 4)

static void describe_page_fault(char *to, size_t size, uint64_t error)
{
    uint64_t address = read_cr2();
    const char *access = error & PF_FETCH ? "execution" : error & PF_WRITE ? "write" : "read";

    fmt_snprintf(to, size, "#PF page fault: %s at %lx (%s), %s%s%s", access, address,
                 paging_describe(address),
                 error & PF_PRESENT ? "mapped without that right" : "not present",
                 error & PF_USER ? ", from user mode" : "",
                 error & PF_RESERVED ? ", reserved bits set in a table" : "");
}

static void describe(char *to, size_t size, const struct trap_frame *f)
{
    const char *name = exception_names[f->vector];

    switch (f->vector) {
    case TRAP_PAGE_FAULT:
        describe_page_fault(to, size, f->error);
        break;
    case TRAP_DOUBLE_FAULT: /* CR2 is that of the first fault when it was a page fault */
        fmt_snprintf(to, size, "%s: last page fault at %lx (%s)", name, read_cr2(),
                     paging_describe(read_cr2()));
        break;
    case TRAP_GENERAL_PROTECTION:
        fmt_snprintf(to, size, "%s: %s, error code %lx", name,
                     f->error == 0 ? "no selector's fault: a non-canonical address, a reserved bit "
                                     "or an MSR that is not there"
                                   : "a segment selector",
                     f->error);
        break;
    default:
        fmt_snprintf(to, size, "%s, error code %lx", name != NULL ? name : "reserved exception",
                     f->error);
    }
}

/* "name+0x12", or what address is when it is no function's. call: address is the one after a call,
 * which may be the first of the next function when the call never returns. */
static void locate(char *to, size_t size, uint64_t address, bool call)
{
    uint64_t offset;
    const char *name = symbol_find(address - (call ? 1 : 0), &offset);

    if (name != NULL)
        fmt_snprintf(to, size, "%s+0x%lx", name, offset + (call ? 1 : 0));
    else
        fmt_snprintf(to, size, "no function: %s", paging_describe(address));
}

static void show_registers(const struct trap_frame *f)
{
    char where[WHERE_BYTES];

    locate(where, sizeof(where), f->rip, false);
    log_error("panic", "rip %016lx %s", f->rip, where);
    log_error("panic", "rsp %016lx rflags %lx cs %lx ss %lx vector %lu error %lx", f->rsp,
              f->rflags, f->cs, f->ss, f->vector, f->error);
    log_error("panic", "rax %016lx rbx %016lx rcx %016lx", f->rax, f->rbx, f->rcx);
    log_error("panic", "rdx %016lx rsi %016lx rdi %016lx", f->rdx, f->rsi, f->rdi);
    log_error("panic", "rbp %016lx r8  %016lx r9  %016lx", f->rbp, f->r8, f->r9);
    log_error("panic", "r10 %016lx r11 %016lx r12 %016lx", f->r10, f->r11, f->r12);
    log_error("panic", "r13 %016lx r14 %016lx r15 %016lx", f->r13, f->r14, f->r15);
    log_error("panic", "cr0 %016lx cr2 %016lx cr3 %016lx", read_cr0(), read_cr2(), read_cr3());
    log_error("panic", "cr4 %016lx efer %lx", read_cr4(), rdmsr(MSR_EFER));
}

static void show_call(unsigned number, uint64_t address, bool call)
{
    char where[WHERE_BYTES];

    locate(where, sizeof(where), address, call);
    log_error("panic", "#%u %016lx %s", number, address, where);
}

#define CALL_BYTES  5 /* of a near call, opcode and 32-bit displacement */
#define CALL_OPCODE 0xe8

/* Whether rsp points to the address that the interrupted function returns to, its own frame not
 * built yet: true after a jump to what is no function, and when the instruction before that address
 * calls this very function. */
static bool is_frameless(const struct trap_frame *f)
{
    uint64_t into, back, from;
    const uint8_t *call;
    int32_t distance;

    if (!paging_is_readable(f->rsp))
        return false;
    back = *(const uint64_t *)f->rsp;
    if (symbol_find(back - CALL_BYTES, &from) == NULL)
        return false;
    if (symbol_find(f->rip, &into) == NULL)
        return true;
    call = (const uint8_t *)(back - CALL_BYTES);
    memcpy(&distance, call + 1, sizeof(distance));
    return call[0] == CALL_OPCODE && back + (uint64_t)(int64_t)distance == f->rip - into;
}

/* Follows the saved frame pointers as long as they can be read and lead upwards. */
static void show_backtrace(const struct trap_frame *f)
{
    uint64_t rbp = f->rbp;
    unsigned number = 0;

    show_call(number++, f->rip, false);
    if (is_frameless(f))
        show_call(number++, *(const uint64_t *)f->rsp, true);
    while (number < CALLS_SHOWN && rbp % 8 == 0 && paging_is_readable(rbp) &&
           paging_is_readable(rbp + 8)) {
        const uint64_t *frame = (const uint64_t *)rbp;

        if (frame[1] == 0)
            break;
        show_call(number++, frame[1], true);
        if (frame[0] <= rbp)
            break;
        rbp = frame[0];
    }
}

/* The first CPU to come here tells its story; the others stop, also those that its NMI brings. */
static void own_the_panic(void)
{
    uint32_t nobody = NOBODY, me = smp_cpu();

    if (!atomic_compare_exchange_strong(&owner, &nobody, me) && nobody != me)
        for (;;)
            __asm__ volatile("cli; hlt");
}

static noreturn void report(const struct trap_frame *frame, const char *reason)
{
    if (depth++ == 0) {
        apic_stop_others();
        log_error("panic", "CPU %u: %s", smp_cpu(), reason);
        show_registers(frame);
        show_backtrace(frame);
    } else if (depth == 2) {
        log_error("panic", "and while that was shown, at %lx: %s", frame->rip, reason);
    }
    machine_exit(EXIT_PANIC);
}

noreturn void panic(const char *format, ...)
{
    struct trap_frame frame;
    char reason[REASON_BYTES];
    va_list args;

    interrupts_off();
    trap_capture(&frame);
    own_the_panic();
    va_start(args, format);
    fmt_vsnprintf(reason, sizeof(reason), format, args);
    va_end(args);
    report(&frame, reason);
}

noreturn void panic_trap(const struct trap_frame *frame)
{
    char reason[REASON_BYTES];

    own_the_panic();
    describe(reason, sizeof(reason), frame);
    report(frame, reason);
}

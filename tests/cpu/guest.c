/* SPDX-License-Identifier: MIT */
#include "tests/cpu/guest.h"
#include <string.h>
#include "kernel/layout.h"
#include "kernel/mem.h"
#include "kernel/panic.h"
#include "kernel/time.h"
#include "kernel/x86.h"
#include "tests/cpu/test.h"

#define FRAME      0x000ffffffffff000ull
#define RIGHTS_ALL (NESTED_READ | NESTED_WRITE | NESTED_EXEC)
#define LEVELS     4u
#define RUN_US     2000000

#define GATE_INTERRUPT 0xee /* present, DPL 3, 64-bit interrupt gate: clears IF */
#define STUB_BYTES     16
#define VECTORS        256u

struct gate {
    uint16_t offset_low, selector;
    uint8_t ist, type;
    uint16_t offset_middle;
    uint32_t offset_high, reserved;
};

struct table_register {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

/* The page at GUEST_TABLES; guest.asm has the offsets. */
struct tables_page {
    uint64_t gdt[8];
    uint8_t tss[104];
    struct table_register gdtr, idtr;
};

_Static_assert(offsetof(struct tables_page, gdtr) == 168, "guest.asm");
_Static_assert(offsetof(struct tables_page, idtr) == 178, "guest.asm");

#define TSS_RSP0 4
#define TSS_IST1 36

extern const uint8_t guest_prologue[], guest_trap_stubs[];

void *guest_at(const struct guest *g, uint64_t address)
{
    ASSERT(address - GUEST_RAM < GUEST_PAGES * PAGE_SIZE);
    return phys_to_virt(hpa(g->ram.v + (address - GUEST_RAM)));
}

static unsigned index_at(uint64_t address, unsigned level)
{
    return address >> (PAGE_SHIFT + 9 * (level - 1)) & 511;
}

uint64_t *guest_entry(struct guest *g, uint64_t address, unsigned level)
{
    uint64_t *table = guest_at(g, GUEST_ROOT);

    for (unsigned at = LEVELS; at > level; at--) {
        uint64_t *entry = &table[index_at(address, at)];

        if (!*entry)
            *entry = (GUEST_RAM + g->tables++ * PAGE_SIZE) | PTE_P | PTE_W | PTE_U;
        table = guest_at(g, *entry & FRAME);
    }
    return &table[index_at(address, level)];
}

uint64_t *guest_nested_entry(const struct guest *g, uint64_t address, unsigned level)
{
    uint64_t *table = phys_to_virt(nested_root(g->nested));

    for (unsigned at = LEVELS; at > level; at--)
        table = phys_to_virt(hpa(table[index_at(address, at)] & FRAME));
    return &table[index_at(address, level)];
}

/* Without a second stage a guest's addresses are those of the image itself. */
static gpa_t image_gpa(uint64_t address)
{
    return gpa((is_native() ? 0 : GUEST_IMAGE) + address);
}

static void set_page(struct guest *g, gpa_t guest, hpa_t host, unsigned rights)
{
    nested_unmap(g->nested, guest, PAGE_SIZE);
    if (rights)
        ASSERT(nested_map(g->nested, guest, host, PAGE_SIZE, rights, PAGE_SIZE, false) == 0);
}

void guest_nested_set(struct guest *g, uint64_t address, unsigned rights)
{
    uint64_t page = align_down(address, PAGE_SIZE);

    set_page(g, gpa(page), virt_to_phys(guest_at(g, page)), rights);
}

void guest_nested_set_code(struct guest *g, const uint8_t *code, unsigned rights)
{
    uint64_t page = align_down((uint64_t)code, PAGE_SIZE);

    set_page(g, image_gpa(page), hpa(page), rights);
}

static bool map_nested(struct guest *g)
{
    uint64_t image = (uint64_t)rodata_start, bytes = (uint64_t)data_start - image;

    return nested_map(g->nested, gpa(GUEST_RAM), g->ram, GUEST_PAGES * PAGE_SIZE, RIGHTS_ALL,
                      PAGE_SIZE, false) == 0 &&
           nested_map(g->nested, image_gpa(image), hpa(image), bytes, NESTED_READ | NESTED_EXEC,
                      PAGE_SIZE, false) == 0;
}

static void build_tables(struct guest *g)
{
    g->tables = (GUEST_ROOT - GUEST_RAM) / PAGE_SIZE + 1;
    for (uint64_t at = GUEST_RAM; at < GUEST_RAM + GUEST_PAGES * PAGE_SIZE; at += PAGE_SIZE)
        *guest_entry(g, at, 1) = at | PTE_P | PTE_W | PTE_U;
    for (uint64_t at = (uint64_t)rodata_start; at < (uint64_t)data_start; at += PAGE_SIZE)
        *guest_entry(g, at, 1) = (GUEST_IMAGE + at) | PTE_P | PTE_U;
}

bool guest_create(struct guest *g)
{
    struct cpu_state state;

    *g = (struct guest){.ram = frame_alloc_run(GUEST_PAGES, PAGE_SIZE)};
    if (!g->ram.v || nested_create(cpu->nested_format(), &g->nested) != 0 || !map_nested(g))
        return false;
    g->vcpu.nested = g->nested;
    if (cpu->vcpu_init(&g->vcpu) != 0)
        return false;
    build_tables(g);
    cpu->hypercall_code(&g->vcpu, guest_at(g, GUEST_HYPERCALL));
    cpu->get_state(&g->vcpu, &state);
    state.cr3 = GUEST_ROOT;
    cpu->set_state(&g->vcpu, &state);
    return true;
}

void guest_destroy(struct guest *g)
{
    if (g->vcpu.backend)
        cpu->vcpu_fini(&g->vcpu);
    if (g->nested)
        nested_destroy(g->nested);
    if (g->ram.v)
        frame_free_run(g->ram, GUEST_PAGES);
}

void guest_start(struct guest *g, const uint8_t *code)
{
    struct cpu_state state;

    cpu->get_state(&g->vcpu, &state);
    state.rsp = GUEST_STACK_TOP;
    state.rflags = RFLAGS_ONE;
    state.cr3 = GUEST_ROOT;
    cpu->set_state(&g->vcpu, &state);
    g->vcpu.regs.rip = (uint64_t)code;
}

void guest_run(struct guest *g)
{
    uint64_t end = deadline_us(RUN_US);

    do {
        cpu->run(&g->vcpu, &g->exit);
    } while ((g->exit.reason == CPU_EXIT_HOST_INTERRUPT ||
              g->exit.reason == CPU_EXIT_INTERRUPT_WINDOW) &&
             !deadline_passed(end));
}

void guest_skip(struct guest *g)
{
    g->vcpu.regs.rip += g->exit.length;
}

static void fill_idt(struct guest *g)
{
    struct gate *idt = guest_at(g, GUEST_IDT);

    for (unsigned v = 0; v < VECTORS; v++) {
        uint64_t stub = (uint64_t)guest_trap_stubs + v * STUB_BYTES;

        idt[v] = (struct gate){.offset_low = (uint16_t)stub,
                               .selector = GUEST_CODE_SELECTOR,
                               .type = GATE_INTERRUPT,
                               .offset_middle = (uint16_t)(stub >> 16),
                               .offset_high = (uint32_t)(stub >> 32)};
    }
}

static void fill_tables(struct guest *g)
{
    const uint64_t tss = GUEST_TABLES + offsetof(struct tables_page, tss);
    const uint64_t stack = GUEST_STACK_TOP - 1024; /* of handlers that are entered from ring 3 */
    struct tables_page *t = guest_at(g, GUEST_TABLES);

    *t = (struct tables_page){
        .gdt = {0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00affb000000ffff, 0x00cff3000000ffff,
                0x0000890000000067 | (tss & 0xffffff) << 16 | (tss >> 24 & 0xff) << 56, tss >> 32,
                0x00cf13000000ffff},
        .gdtr = {sizeof t->gdt - 1, GUEST_TABLES},
        .idtr = {VECTORS * sizeof(struct gate) - 1, GUEST_IDT},
    };
    memcpy(&t->tss[TSS_RSP0], &stack, sizeof stack);
    memcpy(&t->tss[TSS_IST1], &stack, sizeof stack);
}

bool guest_prepare(struct guest *g)
{
    bool has_idt = false;

    fill_idt(g);
    fill_tables(g);
    guest_start(g, guest_prologue);
    do {
        guest_run(g);
        has_idt |= g->exit.reason == CPU_EXIT_IDT_LOAD;
    } while (g->exit.reason == CPU_EXIT_IDT_LOAD);
    return has_idt && g->exit.reason == CPU_EXIT_IO && g->exit.io.port == GUEST_PORT_POINT;
}

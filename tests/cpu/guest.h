/* SPDX-License-Identifier: MIT */
/*
 * The guest of one case: a vCPU of the chosen backend, a little RAM, page tables, and code that
 * lies in the image (the .asm files here). GPA and HPA differ, so that no confusion of the two
 * passes by accident.
 */
#ifndef TESTS_CPU_GUEST_H
#define TESTS_CPU_GUEST_H

#include <stdbool.h>
#include <stdint.h>
#include "kernel/addr.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/nested.h"

/* Guest RAM, virtual = guest-physical; layout.inc has the same. */
#define GUEST_RAM       0x10000000ull
#define GUEST_PAGES     64ull
#define GUEST_HYPERCALL GUEST_RAM            /* the backend's hypercall instruction, and RET */
#define GUEST_DATA      (GUEST_RAM + 0x1000) /* 2 pages for the case's own use */
#define GUEST_STACK     (GUEST_RAM + 0x3000) /* a page */
#define GUEST_STACK_TOP (GUEST_STACK + PAGE_SIZE)
#define GUEST_IDT       (GUEST_RAM + 0x4000)
#define GUEST_TABLES    (GUEST_RAM + 0x5000) /* GDT, TSS, what LGDT and LIDT load */
#define GUEST_ROOT      (GUEST_RAM + 0x6000) /* further page tables behind it */
#define GUEST_IMAGE     0x40000000ull        /* GPA of the image's address 0 */

#define GUEST_PORT_POINT 0xd0 /* to 0xdf */
#define GUEST_PORT_TRAP  0xcf

#define GUEST_CODE_SELECTOR   0x08
#define GUEST_DATA_SELECTOR   0x10
#define GUEST_USER_CODE       0x1b
#define GUEST_USER_DATA       0x23
#define GUEST_TSS_SELECTOR    0x28
#define GUEST_ABSENT_SELECTOR 0x38 /* a data segment that is not present */

#define PTE_P  (1ull << 0)
#define PTE_W  (1ull << 1)
#define PTE_U  (1ull << 2)
#define PTE_A  (1ull << 5)
#define PTE_PS (1ull << 7)
#define PTE_NX (1ull << 63)

/* As the guest's handlers find it on their stack (guest.asm). */
struct guest_trap {
    uint64_t vector, error; /* error 0 where there is none */
    uint64_t rip, cs, rflags, rsp, ss;
};

struct guest {
    struct vcpu vcpu;
    struct nested_table *nested;
    hpa_t ram;
    uint64_t tables; /* of GUEST_RAM's pages taken, from the front */
    struct cpu_exit exit;
    struct guest_trap trap;
};

/* false: out of memory. */
bool guest_create(struct guest *g);
void guest_destroy(struct guest *g);

/* The next run begins at this code, on an empty stack, with interrupts off. */
void guest_start(struct guest *g, const uint8_t *code);
/* Runs until an exit that the test has to see: not the host's own, nor an interrupt window. After
 * two seconds it is CPU_EXIT_HOST_INTERRUPT nevertheless. */
void guest_run(struct guest *g);
/* Behind the instruction that left. */
void guest_skip(struct guest *g);

/* A segment and interrupt table of the guest's own, whose handlers leave by GUEST_PORT_TRAP. Then
 * as after guest_create. false: the guest did not get through it. */
bool guest_prepare(struct guest *g);

/* The host's view of guest RAM. */
void *guest_at(const struct guest *g, uint64_t address);
/* The entry for address at this level of the guest's own page tables, which grow as needed. */
uint64_t *guest_entry(struct guest *g, uint64_t address, unsigned level);
/* An entry of the nested table, down to level: what nested.h offers no way to spoil. */
uint64_t *guest_nested_entry(const struct guest *g, uint64_t address, unsigned level);
/* Maps a page of guest RAM anew, with these rights; 0 unmaps it. */
void guest_nested_set(struct guest *g, uint64_t address, unsigned rights);
/* The image's own page of address, in the same way. */
void guest_nested_set_code(struct guest *g, const uint8_t *code, unsigned rights);

#endif

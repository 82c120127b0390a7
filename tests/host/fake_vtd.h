/* SPDX-License-Identifier: MIT */
/*
 * Remapping units whose registers are plain memory, and the kernel services vtd/ stands on. A unit
 * acts when fake_vtd_step is called; deadline_passed does so, which is where every polling loop of
 * vtd/ comes by.
 */
#ifndef TESTS_HOST_FAKE_VTD_H
#define TESTS_HOST_FAKE_VTD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "drivers/pci.h"
#include "kernel/acpi.h"
#include "vtd/unit.h"
#include "vtd/vtd.h"

#define FAKE_UNITS       2
#define FAKE_DESCRIPTORS 8192
#define FAKE_FUNCTIONS   8
#define FAKE_FRAMES      4096
#define FAKE_LOG_BYTES   65536

/* As QEMU's unit with aw-bits=48 says, and with 39. */
#define FAKE_CAP_48 0xd2008c222f0606ull
#define FAKE_CAP_39 0xd2008c22260206ull
#define FAKE_ECAP   0xf00f4aull

struct fake_vtd_unit {
    _Alignas(4096) uint8_t regs[8192];
    uint64_t cap, ecap;
    bool deaf;    /* ignores commands */
    bool stalled; /* leaves the queue alone */
    uint32_t flushes;
    uint32_t seen; /* descriptors, in the order they were processed */
    struct vtd_descriptor descriptor[FAKE_DESCRIPTORS];
};

struct fake_vtd {
    struct fake_vtd_unit unit[FAKE_UNITS];
    struct pci_function function[FAKE_FUNCTIONS];
    uint32_t functions;
    uint64_t frames;    /* handed out and not given back */
    uint64_t withdrawn; /* quarantined */
    int64_t fail_after; /* allocations until one fails; negative: never */
    uint64_t now;       /* microseconds */
    bool x2apic;        /* the processor's mode */
    size_t log_bytes;
    char log[FAKE_LOG_BYTES];
    void (*on_write)(void); /* called after each write of a paging or interrupt entry, when set */
};

extern struct fake_vtd fake;

/* Empties everything; units get these capabilities. */
void fake_vtd_reset(uint64_t cap, uint64_t ecap);
/* A function 00:dev.0 with a PCI Express capability. */
struct pci_function *fake_function(uint8_t bus, uint8_t dev);
/* A DMAR of n units: unit 0 names 00:01.0, the last one takes the rest. */
void fake_dmar(struct acpi_dmar *dmar, uint32_t n);
/* Reset, one unit, 00:03.0, vtd_start, a domain for it. */
struct dma_hw *fake_domain(uint64_t cap, uint64_t ecap);

void fake_vtd_step(void);
void observed_entry_write(const struct vtd_unit *u, uint64_t *entry, uint64_t value);
bool fake_logged(const char *text);
void fake_log_clear(void);

/* What the table of hw says of one page: 0 when not present, else frame | rights. */
uint64_t fake_translate(const struct dma_hw *hw, uint64_t iova);

#endif

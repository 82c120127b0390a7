/* SPDX-License-Identifier: MIT */
/* What the rest of the kernel relies on, of anything that a parser accepted. For tests and fuzzers.
 */
#ifndef TESTS_HOST_VALID_H
#define TESTS_HOST_VALID_H

#include <stdbool.h>
#include "kernel/acpi.h"
#include "kernel/elf.h"

static inline bool scopes_are_valid(const struct acpi_scope *scope, uint32_t count)
{
    if (count > ACPI_MAX_SCOPES)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (scope[i].hops < 1 || scope[i].hops > 8)
            return false;
        for (uint32_t h = 0; h < scope[i].hops; h++)
            if (scope[i].path[h][0] > 31 || scope[i].path[h][1] > 7)
                return false;
    }
    return true;
}

static inline bool dmar_is_valid(const struct acpi_dmar *d)
{
    if (d->units == 0 || d->units > ACPI_MAX_UNITS || d->rmrrs > ACPI_MAX_RMRR)
        return false;
    for (uint32_t i = 0; i < d->units; i++) {
        const struct acpi_drhd *u = &d->unit[i];

        if (u->registers.v == 0 || u->registers.v % 4096 != 0 ||
            !scopes_are_valid(u->scope, u->scopes))
            return false;
        for (uint32_t j = 0; j < i; j++)
            if (d->unit[j].registers.v == u->registers.v)
                return false;
    }
    for (uint32_t i = 0; i < d->rmrrs; i++) {
        const struct acpi_rmrr *m = &d->rmrr[i];

        if (m->base.v >= m->end.v || m->base.v % 4096 != 0 || m->end.v % 4096 != 0 ||
            m->end.v > 1ull << 52 || !scopes_are_valid(m->scope, m->scopes))
            return false;
    }
    return true;
}

static inline bool mcfg_is_valid(const struct acpi_mcfg *m)
{
    if (m->count > ACPI_MAX_ECAM)
        return false;
    for (uint32_t i = 0; i < m->count; i++) {
        const struct acpi_ecam *e = &m->ecam[i];

        if (e->first_bus > e->last_bus || e->base.v == 0 || e->base.v > 1ull << 52 ||
            e->base.v + ((e->last_bus + 1ull) << 20) > 1ull << 52)
            return false;
    }
    return true;
}

static inline bool madt_is_valid(const struct acpi_madt *m)
{
    if (m->cpus == 0 || m->cpus > ACPI_MAX_CPUS)
        return false;
    for (uint32_t i = 0; i < m->cpus; i++)
        for (uint32_t j = 0; j < i; j++)
            if (m->apic_id[i] == m->apic_id[j])
                return false;
    return true;
}

/* Of an image of bytes that was checked against limit. */
static inline bool elf_is_valid(const struct elf_image *e, uint64_t bytes, uint64_t limit)
{
    bool has_entry = false;

    if (e->segments == 0 || e->segments > ELF_MAX_SEGMENTS || e->memory_bytes > limit ||
        e->memory_bytes % 4096 != 0)
        return false;
    for (uint32_t i = 0; i < e->segments; i++) {
        const struct elf_segment *s = &e->segment[i];

        if (s->file_offset > bytes || s->file_bytes > bytes - s->file_offset ||
            s->file_bytes > s->memory_bytes || s->memory_bytes == 0 ||
            s->address > e->memory_bytes || s->memory_bytes > e->memory_bytes - s->address)
            return false;
        has_entry |=
            (s->flags & 1) && e->entry >= s->address && e->entry < s->address + s->file_bytes;
        for (uint32_t j = 0; j < i; j++)
            if (e->segment[j].address < s->address + s->memory_bytes &&
                s->address < e->segment[j].address + e->segment[j].memory_bytes)
                return false;
    }
    return has_entry;
}

#endif

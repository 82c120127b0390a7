/* SPDX-License-Identifier: MIT */
/*
 * The DMAR: VT-d units, the memory that firmware's devices keep using, and which device belongs to
 * which (VT-d specification 3.x chapter 8). A damaged table is refused whole: half of it would
 * leave a device untranslated or its RMRR unmapped.
 */
#include <errno.h>
#include <string.h>
#include "kernel/acpi.h"
#include "kernel/acpi_table.h"

enum { DRHD = 0, RMRR = 1, ATSR = 2, RHSA = 3, ANDD = 4, SATC = 5 };

#define INTERRUPT_REMAPPING 0x1u /* of the table's flags */
#define X2APIC_OPT_OUT      0x2u
#define INCLUDE_PCI_ALL     0x1u /* of a DRHD's flags */
#define WIDTH_MIN           32u
#define WIDTH_MAX           64u
#define ADDRESS_BITS        52u /* the most any x86-64 CPU has */

/* One entry while it is read: error texts name it by name and offset. */
struct reader {
    const char *name;
    uint32_t offset; /* in the table */
    const uint8_t *entry;
    uint32_t bytes;
    char *error;
};

/* What the entry of a type begins with before its scopes, and its name. */
static const struct kind {
    const char *name;
    uint32_t fixed;
    bool has_scopes;
} kinds[] = {
    [DRHD] = {"DRHD", sizeof(struct acpi_dmar_drhd), true},
    [RMRR] = {"RMRR", sizeof(struct acpi_dmar_rmrr), true},
    [ATSR] = {"ATSR", sizeof(struct acpi_dmar_atsr), true},
    [RHSA] = {"RHSA", 20, false},
    [ANDD] = {"ANDD", 8, false},
    [SATC] = {"SATC", sizeof(struct acpi_dmar_atsr), true},
};

#define KINDS (sizeof kinds / sizeof kinds[0])

#define bad_entry(r, format, ...) \
    acpi_bad((r)->error, "%s at 0x%x: " format, (r)->name, (r)->offset, __VA_ARGS__)

static int check_scope(const struct reader *r, uint32_t at)
{
    const struct acpi_dmar_scope *s = (const void *)(r->entry + at);
    uint32_t left = r->bytes - at;

    if (left < sizeof *s)
        return bad_entry(r, "%u bytes after its last scope, too few for another", left);
    if (s->length > left)
        return bad_entry(r, "scope at +0x%x: %u bytes, past the entry's end by %u", at, s->length,
                         s->length - left);
    if (s->length < sizeof *s)
        return bad_entry(r, "scope at +0x%x: length %u is under %lu", at, s->length, sizeof *s);
    if (s->length == sizeof *s || s->length % 2 != 0)
        return bad_entry(r, "scope at +0x%x: length %u is no path of whole hops", at, s->length);
    return 0;
}

static bool is_known_scope(uint8_t type)
{
    return type >= ACPI_SCOPE_ENDPOINT && type <= ACPI_SCOPE_NAMESPACE;
}

static int keep_scope(const struct reader *r, uint32_t at, struct acpi_scope *out)
{
    const struct acpi_dmar_scope *s = (const void *)(r->entry + at);
    uint32_t hops = (s->length - (uint32_t)sizeof *s) / 2;

    if (hops > sizeof out->path / sizeof out->path[0])
        return bad_entry(r, "scope at +0x%x: %u hops, over %lu", at, hops,
                         sizeof out->path / sizeof out->path[0]);
    for (uint32_t i = 0; i < hops; i++)
        if (s->path[i][0] > 31 || s->path[i][1] > 7)
            return bad_entry(r, "scope at +0x%x: hop %02x.%x is no PCI function", at, s->path[i][0],
                             s->path[i][1]);
    *out = (struct acpi_scope){.type = s->type, .id = s->id, .bus = s->bus, .hops = (uint8_t)hops};
    memcpy(out->path, s->path, (size_t)hops * 2);
    return 0;
}

/* Reads the scopes after the entry's fixed part; scope NULL checks only. */
static int read_scopes(const struct reader *r, uint32_t fixed, struct acpi_scope *scope,
                       uint32_t *count)
{
    for (uint32_t at = fixed; at < r->bytes; at += r->entry[at + 1]) {
        int bad = check_scope(r, at);

        if (bad != 0)
            return bad;
        /* Types of later revisions of the specification are of no use here. */
        if (scope == NULL || !is_known_scope(r->entry[at]))
            continue;
        if (*count == ACPI_MAX_SCOPES)
            return bad_entry(r, "over %u scopes", ACPI_MAX_SCOPES);
        bad = keep_scope(r, at, &scope[*count]);
        if (bad != 0)
            return bad;
        ++*count;
    }
    return 0;
}

static int check_unit(const struct reader *r, const struct acpi_drhd *u,
                      const struct acpi_dmar *dmar)
{
    if (u->registers.v == 0 || !is_aligned(u->registers.v, PAGE_SIZE) ||
        u->registers.v >> ADDRESS_BITS != 0)
        return bad_entry(r, "register base 0x%lx is not a page", u->registers.v);
    for (uint32_t i = 0; i < dmar->units; i++) {
        const struct acpi_drhd *other = &dmar->unit[i];

        if (other->registers.v == u->registers.v)
            return bad_entry(r, "register base 0x%lx is another unit's, too", u->registers.v);
        if (u->include_all && other->include_all && other->segment == u->segment)
            return bad_entry(r, "a second unit for all of segment %u", u->segment);
    }
    return 0;
}

/* A unit with no scope is kept, boards list them for devices they have disabled: it translates for
 * nothing, but must be blocked like the others. */
static int add_unit(const struct reader *r, struct acpi_dmar *dmar)
{
    const struct acpi_dmar_drhd *e = (const void *)r->entry;
    struct acpi_drhd *u = &dmar->unit[dmar->units];
    int bad;

    if (dmar->units == ACPI_MAX_UNITS)
        return bad_entry(r, "over %u units", ACPI_MAX_UNITS);
    u->registers = hpa(e->registers);
    u->segment = e->segment;
    u->include_all = (e->flags & INCLUDE_PCI_ALL) != 0;
    bad = check_unit(r, u, dmar);
    if (bad == 0)
        bad = read_scopes(r, sizeof *e, u->scope, &u->scopes);
    if (bad == 0)
        dmar->units++;
    return bad;
}

/* Real boards have RMRRs that begin or end inside a page, that overlap, that are listed twice and
 * that name several devices or none. All of these are honoured: ends are rounded out to the pages
 * that the device may touch, and each is mapped for its own devices only. */
static int add_rmrr(const struct reader *r, struct acpi_dmar *dmar)
{
    const struct acpi_dmar_rmrr *e = (const void *)r->entry;
    struct acpi_rmrr *m = &dmar->rmrr[dmar->rmrrs];
    uint32_t bits =
        dmar->host_address_width < ADDRESS_BITS ? dmar->host_address_width : ADDRESS_BITS;
    int bad;

    if (dmar->rmrrs == ACPI_MAX_RMRR)
        return bad_entry(r, "over %u of them", ACPI_MAX_RMRR);
    if (e->limit < e->base)
        return bad_entry(r, "limit 0x%lx is below base 0x%lx", (uint64_t)e->limit,
                         (uint64_t)e->base);
    if (e->limit >> bits != 0)
        return bad_entry(r, "limit 0x%lx is beyond the machine's %u address bits",
                         (uint64_t)e->limit, bits);
    m->base = hpa(align_down(e->base, PAGE_SIZE));
    m->end = hpa(align_up(e->limit + 1, PAGE_SIZE));
    m->segment = e->segment;
    bad = read_scopes(r, sizeof *e, m->scope, &m->scopes);
    if (bad == 0)
        dmar->rmrrs++;
    return bad;
}

static int read_entry(const struct reader *r, uint16_t type, struct acpi_dmar *dmar)
{
    const struct kind *kind = &kinds[type];

    if (r->bytes < kind->fixed)
        return bad_entry(r, "length %u is under the %u of its fixed part", r->bytes, kind->fixed);
    if (type == DRHD)
        return add_unit(r, dmar);
    if (type == RMRR)
        return add_rmrr(r, dmar);
    /* Nothing of the others is used, as device TLBs stay off. */
    return kind->has_scopes ? read_scopes(r, kind->fixed, NULL, NULL) : 0;
}

static int read_entries(const uint8_t *table, uint32_t bytes, struct acpi_dmar *dmar, char *error)
{
    for (uint32_t offset = sizeof(struct acpi_dmar_table); offset < bytes;) {
        const struct acpi_dmar_entry *e = (const void *)(table + offset);
        struct reader r = {"entry", offset, table + offset, bytes - offset, error};
        int bad = 0;

        if (r.bytes < sizeof *e)
            return bad_entry(&r, "%u bytes are left, too few for an entry", r.bytes);
        if (e->type < KINDS)
            r.name = kinds[e->type].name;
        if (e->length > r.bytes)
            return bad_entry(&r, "length %u, past the table's end by %u", e->length,
                             e->length - r.bytes);
        /* Zero would be read for ever. */
        if (e->length < sizeof *e)
            return bad_entry(&r, "length %u is under %lu", e->length, sizeof *e);
        r.bytes = e->length;
        /* Types of later revisions are skipped, as the specification wants (section 8.2). */
        if (e->type < KINDS)
            bad = read_entry(&r, e->type, dmar);
        if (bad != 0)
            return bad;
        offset += e->length;
    }
    return 0;
}

int acpi_parse_dmar(const void *table, uint32_t bytes, struct acpi_dmar *out,
                    char error[ACPI_ERROR_TEXT])
{
    const struct acpi_dmar_table *dmar = table;
    uint32_t width;
    int bad;

    memset(out, 0, sizeof *out);
    if (bytes < sizeof *dmar)
        return acpi_bad(error, "%u bytes, under the %lu of its fixed part", bytes, sizeof *dmar);
    width = dmar->width + 1u;
    if (width < WIDTH_MIN || width > WIDTH_MAX)
        return acpi_bad(error, "a host address width of %u bits, not from %u to %u", width,
                        WIDTH_MIN, WIDTH_MAX);
    out->host_address_width = (uint8_t)width;
    out->interrupt_remapping = (dmar->flags & INTERRUPT_REMAPPING) != 0;
    out->x2apic_opt_out = (dmar->flags & X2APIC_OPT_OUT) != 0;
    bad = read_entries(table, bytes, out, error);
    if (bad == 0 && out->units == 0)
        bad = acpi_bad(error, "it has no DRHD, so no VT-d unit");
    if (bad != 0)
        memset(out, 0, sizeof *out);
    return bad;
}

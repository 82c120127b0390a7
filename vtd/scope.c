/* SPDX-License-Identifier: MIT */
/* Which unit translates for which device (VT-d specification, sections 8.3 and 8.3.1). */
#include "vtd/unit.h"
#include "vtd/vtd.h"

#define MAX_BRIDGES 256 /* on a path; ends a walk through bus numbers that form a ring */

struct pci_function *vtd_bridge_above(const struct pci_function *f)
{
    for (uint32_t i = 0; i < pci_functions(); i++) {
        struct pci_function *bridge = pci_function(i);
        if (bridge->bridge != 0 && bridge->bridge == f->bus && bridge->segment == f->segment)
            return bridge;
    }
    return NULL;
}

bool vtd_scope_covers(uint16_t segment, const struct acpi_scope *scope,
                      const struct pci_function *f)
{
    if (scope->type != ACPI_SCOPE_ENDPOINT && scope->type != ACPI_SCOPE_BRIDGE)
        return false;
    const struct pci_function *named = pci_by_scope(segment, scope);
    if (named == NULL || named == f || scope->type == ACPI_SCOPE_ENDPOINT)
        return named == f;
    const struct pci_function *above = f;
    for (unsigned i = 0; i < MAX_BRIDGES && above != NULL && above != named; i++)
        above = vtd_bridge_above(above);
    return above == named;
}

static bool unit_names(const struct acpi_drhd *drhd, const struct pci_function *f)
{
    for (uint32_t i = 0; i < drhd->scopes; i++)
        if (drhd->segment == f->segment && vtd_scope_covers(drhd->segment, &drhd->scope[i], f))
            return true;
    return false;
}

struct vtd_unit *vtd_unit_of(const struct pci_function *f)
{
    const struct acpi_dmar *dmar = vtd_dmar();
    struct vtd_unit *rest = vtd_absent();
    for (uint32_t i = 0; i < vtd_units(); i++) {
        const struct acpi_drhd *drhd = &dmar->unit[i];
        if (unit_names(drhd, f))
            return vtd_unit(i);
        /* The unit for all that no other one names. */
        if (drhd->include_all && drhd->segment == f->segment)
            rest = vtd_unit(i);
    }
    return rest;
}

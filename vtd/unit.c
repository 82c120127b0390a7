/* SPDX-License-Identifier: MIT */
/* One remapping unit: what it can do, and its commands (VT-d specification, section 10.4). */
#include <errno.h>
#include "kernel/log.h"
#include "kernel/mem.h"
#include "kernel/time.h"
#include "vtd/unit.h"

#define IOTLB_REGISTERS_BYTES 16

static const char *command_name(uint32_t bit)
{
    switch (bit) {
    case VTD_G_TE:
        return "translation enable";
    case VTD_G_SRTP:
        return "set root table pointer";
    case VTD_G_WBF:
        return "write-buffer flush";
    case VTD_G_QIE:
        return "queued invalidation enable";
    case VTD_G_IRE:
        return "interrupt remapping enable";
    case VTD_G_SIRTP:
        return "set interrupt table pointer";
    default:
        return "compatibility format interrupts";
    }
}

int vtd_command(struct vtd_unit *u, uint32_t bit, bool on)
{
    uint32_t value = vtd_read32(u, VTD_GSTS) & VTD_G_CARRY;
    vtd_write32(u, VTD_GCMD, on ? value | bit : value & ~bit);

    /* Of all bits only WBF is set while the command is under way (section 10.4.5). */
    uint32_t wanted = on && bit != VTD_G_WBF ? bit : 0;
    uint64_t end = deadline_us(VTD_DEADLINE_US);
    while ((vtd_read32(u, VTD_GSTS) & bit) != wanted) {
        if (deadline_passed(end)) {
            log_error(
                "vtd",
                "unit %u at 0x%llx: command \"%s\" %s did not complete in %u ms, GSTS 0x%08x; "
                "no device can be assigned, power-cycle the machine",
                u->index, (unsigned long long)u->base.v, command_name(bit), on ? "on" : "off",
                VTD_DEADLINE_US / 1000, vtd_read32(u, VTD_GSTS));
            return -ETIMEDOUT;
        }
    }
    return 0;
}

/* The register set's size is not told outright: faults and IOTLB registers lie where the
 * capabilities say. */
static uint64_t register_bytes(uint64_t cap, uint64_t ecap)
{
    uint64_t faults = VTD_CAP_FAULT_OFFSET(cap) + VTD_CAP_FAULTS(cap) * VTD_FAULT_BYTES;
    uint64_t iotlb = VTD_ECAP_IOTLB_OFFSET(ecap) + IOTLB_REGISTERS_BYTES;
    return align_up(faults > iotlb ? faults : iotlb, PAGE_SIZE);
}

static int read_identity(struct vtd_unit *u)
{
    u->version = vtd_read32(u, VTD_VER);
    u->cap = vtd_read64(u, VTD_CAP);
    u->ecap = vtd_read64(u, VTD_ECAP);
    bool dead = u->version == UINT32_MAX || u->cap == UINT64_MAX || u->ecap == UINT64_MAX;
    if (!dead && u->version != 0 && u->cap != 0)
        return 0;
    log_error("vtd",
              "unit %u at 0x%llx: registers read %s (VER 0x%x, CAP 0x%llx): nothing answers there; "
              "enable VT-d in the firmware's setup, or correct the DMAR",
              u->index, (unsigned long long)u->base.v, dead ? "all ones" : "zero", u->version,
              (unsigned long long)u->cap);
    return -ENODEV;
}

/* Four levels where the unit has them: a guest or an RMRR may lie anywhere in 48 bits. */
static int choose_depth(struct vtd_unit *u)
{
    uint64_t sagaw = VTD_CAP_SAGAW(u->cap);
    u->levels = sagaw & VTD_SAGAW_48 ? 4 : sagaw & VTD_SAGAW_39 ? 3 : 0;
    if (u->levels == 0) {
        log_error("vtd",
                  "unit %u at 0x%llx: no table of 3 or 4 levels (SAGAW 0x%llx); this unit can't be "
                  "used",
                  u->index, (unsigned long long)u->base.v, (unsigned long long)sagaw);
        return -ENOTSUP;
    }
    unsigned reach = 12 + 9 * u->levels;
    u->width = VTD_CAP_WIDTH(u->cap) < reach ? VTD_CAP_WIDTH(u->cap) : reach;
    return 0;
}

static void say_identity(const struct vtd_unit *u)
{
    log_info("vtd",
             "unit %u at 0x%llx: version %u.%u, CAP 0x%llx, ECAP 0x%llx: %u-bit addresses, %u "
             "levels%s%s, %u domains, caching mode %s, page walk %s",
             u->index, (unsigned long long)u->base.v, (u->version >> 4) & 0xf, u->version & 0xf,
             (unsigned long long)u->cap, (unsigned long long)u->ecap, u->width, u->levels,
             u->cap & VTD_CAP_2M ? ", 2M" : "", u->cap & VTD_CAP_1G ? ", 1G" : "",
             VTD_CAP_DOMAINS(u->cap), u->cap & VTD_CAP_CM ? "on" : "off",
             u->ecap & VTD_ECAP_C ? "snooped" : "not snooped");
}

static int map_registers(struct vtd_unit *u, uint64_t bytes)
{
    u->bytes = bytes;
    u->regs = map_mmio(u->base, bytes);
    if (u->regs != NULL)
        return 0;
    log_error("vtd",
              "unit %u: its registers at 0x%llx can't be mapped: RAM is there, or no address; "
              "correct the DMAR, or update the firmware",
              u->index, (unsigned long long)u->base.v);
    return -ENODEV;
}

int vtd_unit_probe(struct vtd_unit *u, uint32_t index, hpa_t base)
{
    *u = (struct vtd_unit){.index = index, .base = base};
    int error = map_registers(u, PAGE_SIZE);
    if (!error)
        error = read_identity(u);
    if (!error)
        error = map_registers(u, register_bytes(u->cap, u->ecap));
    if (error)
        return error;
    error = choose_depth(u);
    if (error)
        return error;
    say_identity(u);
    if (!(u->ecap & VTD_ECAP_QI)) {
        log_error("vtd",
                  "unit %u at 0x%llx: no queued invalidation; this unit is too old to be used",
                  u->index, (unsigned long long)u->base.v);
        return -ENOTSUP;
    }
    return 0;
}

int vtd_unit_quiet(struct vtd_unit *u)
{
    /* Faults are polled, and a unit's own messages would have to pass its own remapping. */
    vtd_write32(u, VTD_FECTL, VTD_EVENT_MASK);
    vtd_write32(u, VTD_IECTL, VTD_EVENT_MASK);

    /* The queue last: the others may still invalidate through it. */
    static const uint32_t enables[] = {VTD_G_TE, VTD_G_IRE, VTD_G_CFI, VTD_G_QIE};
    for (unsigned i = 0; i < sizeof(enables) / sizeof(enables[0]); i++) {
        if (!(vtd_read32(u, VTD_GSTS) & enables[i]))
            continue;
        log_info("vtd", "unit %u: firmware left \"%s\" on", u->index, command_name(enables[i]));
        int error = vtd_command(u, enables[i], false);
        if (error)
            return error;
    }
    return 0;
}

int vtd_flush_write_buffer(struct vtd_unit *u)
{
    return u->cap & VTD_CAP_RWBF ? vtd_command(u, VTD_G_WBF, true) : 0;
}

int vtd_protected_memory_off(struct vtd_unit *u)
{
    if (!(u->cap & (VTD_CAP_PLMR | VTD_CAP_PHMR)))
        return 0;
    vtd_write32(u, VTD_PMEN, vtd_read32(u, VTD_PMEN) & ~VTD_PMEN_EPM);
    uint64_t end = deadline_us(VTD_DEADLINE_US);
    while (vtd_read32(u, VTD_PMEN) & VTD_PMEN_PRS) {
        if (deadline_passed(end)) {
            log_error("vtd",
                      "unit %u at 0x%llx: protected memory regions stay on (PMEN 0x%08x); turn off "
                      "DMA protection in the firmware's setup",
                      u->index, (unsigned long long)u->base.v, vtd_read32(u, VTD_PMEN));
            return -ETIMEDOUT;
        }
    }
    return 0;
}

# SPDX-License-Identifier: MIT
"""Bad input and missing hardware: said in words that name the thing, the reason and the next step; never a hang."""

import struct

import acpi_tables
import pytest

import expect

IDLE = ["work=idle"]


def test_no_module(boot):
    expect.refused(boot(IDLE, modules=[]), "no guest", "-initrd")


def test_two_modules(boot, build):
    result = boot(IDLE, modules=[build / "guest.elf", build / "guest.elf"])
    expect.refused(result, "2 boot modules", "exactly one")


# ---- the guest's image ---------------------------------------------------------------------------

ENTRY, PHOFF, PHNUM, MACHINE, TYPE = (24, "<Q"), (32, "<Q"), (56, "<H"), (18, "<H"), (16, "<H")


def patched(image, field, value):
    changed = bytearray(image)
    struct.pack_into(field[1], changed, field[0], value)
    return bytes(changed)


def loads(image):
    """Offsets of the program headers that are PT_LOAD."""
    (start,), (count,) = struct.unpack_from("<Q", image, 32), struct.unpack_from("<H", image, 56)
    return [
        at for at in range(start, start + 56 * count, 56)
        if struct.unpack_from("<I", image, at)[0] == 1
    ]


def loaded_end(image):
    """Where the last PT_LOAD ends in the file; symbols follow."""
    at = loads(image)[-1]
    return struct.unpack_from("<Q", image, at + 8)[0] + struct.unpack_from("<Q", image, at + 32)[0]


def first_load(image, field, value):
    """A PT_LOAD's p_offset 8, p_vaddr 16, p_filesz 32, p_memsz 40."""
    return patched(image, (loads(image)[0] + field, "<Q"), value)


HOSTILE = {
    "empty": (lambda image: b"", "shorter than an ELF header"),
    "text": (lambda image: b"#!/bin/sh\n" * 100, "not an ELF file"),
    "header-only": (lambda image: image[:64], "program headers lie outside the file"),
    "truncated": (lambda image: image[: loaded_end(image) - 1], "truncated"),
    "32-bit": (lambda image: patched(image, (4, "<B"), 1), "not a 64-bit ELF"),
    "other-machine": (lambda image: patched(image, MACHINE, 183), "not for x86-64"),
    "not-pie": (lambda image: patched(image, TYPE, 2), "not position-independent"),
    "headers-far": (lambda image: patched(image, PHOFF, 2**64 - 8), "outside the file"),
    "many-headers": (lambda image: patched(image, PHNUM, 65535), "program header"),
    "entry-outside": (lambda image: patched(image, ENTRY, 2**63), "entry point"),
    "segment-far": (lambda image: first_load(image, 8, 2**64 - 4096), "outside the file"),
    "segment-huge": (lambda image: first_load(image, 40, 2**63), "guest's memory"),
    "segment-high": (lambda image: first_load(image, 16, 2**64 - 4096), "guest's memory"),
    "overlap": (
        lambda image: first_load(image, 40, 0x1000 + struct.unpack_from("<Q", image, loads(image)[1] + 16)[0]),
        "segments overlap",
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_guest_image(boot, build, tmp_path, kind):
    change, reason = HOSTILE[kind]
    module = tmp_path / "guest.elf"
    module.write_bytes(change((build / "guest.elf").read_bytes()))
    expect.refused(boot(IDLE, modules=[module], deadline=20), reason)


# ---- settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize("memory", ("4M", "64M", "68M"))
def test_too_little_memory(boot, memory):
    expect.refused(boot(IDLE, memory=memory), "mem=64M does not fit", "give the machine more")


SETTINGS = {
    "quota=0": ("quota=0", "more than 0"),
    "quota=x": ("quota=x", "give bytes"),
    "quota=64K": ("quota", "floor"),
    "quota=65M": ("quota", "memory"),
    "quota=w50%": ("quota", "working set"),
    "strategy=on-demnad": ("strategy=on-demnad", "did you mean on-demand"),
    "strategy=none": ("strategy=none", "unsafe-dma"),
    "policy=mru": ("policy=mru", "fifo lru clock sieve"),
    "policy=lru": ("policy=lru", "hits=exit"),
    "flush=later": ("flush=later", "strict deferred percpu batch"),
    "mem=63M": ("mem=63M", "multiple of 2M"),
    "nic=00:1e.7": ("nic=00:1e.7", "no such device", "nic=auto"),
    "nic=fish": ("nic=fish", "bus:dev.fn"),
    "nic=00:1f.0": ("nic=00:1f.0", "no NIC that Sluice drives"),
    'seed="1': ("a quote that is not closed",),
    f"work=tcp_rx:msg={'1' * 60}": ("work=tcp_rx:msg=111", "longer than 62"),
    "work=tcp_rx:msg": ("work=tcp_rx:msg", "KEY=VALUE"),
    "rounds=0": ("rounds=0", "from 1"),
    "irq=intx": ("irq=intx", "poll msi"),
}


@pytest.mark.parametrize("word", SETTINGS)
def test_setting(boot, word):
    expect.refused(boot(["work=echo", word], deadline=20), *SETTINGS[word])


def test_floor_is_named(boot):
    """Whoever gives too small a quota learns the smallest that works, and that one does work."""
    result = boot(["work=check_tx", "quota=64K"])
    line = expect.line_with(result, "quota", "floor")
    floor = max(int(word) for word in line.replace(",", " ").replace(";", " ").split() if word.isdigit())
    assert floor > 16
    ran = expect.held(boot(["work=check_tx", f"quota={floor * 4}K"]), 1)
    assert ran[0].result["quota"] == ran[0].floor == floor
    assert ran[0].result["resident_peak"] <= floor


def test_unknown_option_warns_and_goes_on(boot):
    result = boot([*IDLE, "quotta=10%", "xyzzy"])
    expect.line_with(result, "warn", "quotta", "did you mean quota")
    expect.line_with(result, "warn", "xyzzy")
    expect.held(result, 1)


# ---- hardware ------------------------------------------------------------------------------------


def test_no_iommu(boot):
    result = boot(IDLE, iommu=False)
    expect.refused(result, "no DMAR", "intel-iommu", "unsafe-dma", "unsafe-no-iommu: the device then reaches all memory")


def test_no_iommu_allowed(boot):
    result = boot(["work=check_tx", "strategy=none", "unsafe-dma"], iommu=False)
    expect.line_with(result, "warn", "no DMAR")
    expect.held(result, 1)


def test_no_interrupt_remapping(boot):
    expect.refused(boot(IDLE, remapping=False), "no interrupt remapping", "unsafe-msi")


def test_no_interrupt_remapping_allowed(boot):
    result = boot(["work=check_tx", "unsafe-msi"], remapping=False)
    expect.line_with(result, "warn", "not remapped")
    expect.held(result, 1)


def test_no_nic(boot):
    expect.refused(boot(IDLE, nic=None), "no NIC", "e1000e")


def test_other_nic(boot):
    result = boot(IDLE, nic="virtio-net-pci")
    expect.refused(result, "no NIC", "e1000e")
    expect.line_with(result, "00:03.0", "1af4", "not supported")


def test_no_virtualization(boot):
    expect.refused(boot(IDLE, extra=["-cpu", "max,svm=off"]), "no hardware virtualization")


# ---- firmware tables -----------------------------------------------------------------------------


def with_dmar(tmp_path, dmar, cpus=1):
    tables = [acpi_tables.madt(cpus), acpi_tables.mcfg()] + ([dmar] if dmar else [])
    return acpi_tables.load(tmp_path, tables)


def spoiled():
    table = bytearray(acpi_tables.dmar(acpi_tables.drhd()))
    table[-1] ^= 1
    return bytes(table)


DMARS = {
    "absent": (lambda: None, ("no DMAR", "firmware")),
    "truncated": (
        lambda: acpi_tables.dmar(acpi_tables.drhd(), length=56),
        ("DMAR", "DRHD", "past the table's end"),
    ),
    "shorter-than-its-head": (
        lambda: acpi_tables.dmar(acpi_tables.drhd(), length=40), ("DMAR", "fixed part"),
    ),
    "longer-than-memory": (
        lambda: acpi_tables.dmar(acpi_tables.drhd(), length=0x7FFFFFFF), ("DMAR", "length"),
    ),
    "zero-length-entry": (
        lambda: acpi_tables.dmar(acpi_tables.drhd() + struct.pack("<HH", 1, 0)),
        ("DMAR", "length 0"),
    ),
    "bad-checksum": (spoiled, ("DMAR", "checksum")),
    "no-unit": (lambda: acpi_tables.dmar(b""), ("DMAR", "no DRHD")),
    "registers-in-ram": (
        lambda: acpi_tables.dmar(acpi_tables.drhd(acpi_tables.RAM)),
        ("unit 0", hex(acpi_tables.RAM), "RAM is there"),
    ),
    "no-remapping-flag": (
        lambda: acpi_tables.dmar(acpi_tables.drhd(), flags=0),
        ("no interrupt remapping", "unsafe-msi"),
    ),
}
DUMPED = ("truncated", "zero-length-entry", "bad-checksum")


@pytest.mark.parametrize("kind", DMARS)
def test_dmar(boot, tmp_path, kind):
    make, texts = DMARS[kind]
    extra, word = with_dmar(tmp_path, make())
    result = boot([*IDLE, word], extra=extra, deadline=20)
    expect.refused(result, *texts)
    if kind in DUMPED:
        expect.line_with(result, "DMAR", "44 4d 41 52")  # the raw table, for whoever has to mend it


def test_registers_all_ones(boot, tmp_path):
    extra, word = with_dmar(tmp_path, acpi_tables.dmar(acpi_tables.drhd(acpi_tables.ONES)))
    result = boot([*IDLE, word], extra=extra + acpi_tables.ones(tmp_path), deadline=20)
    expect.refused(result, "unit 0", hex(acpi_tables.ONES), "all ones")


def test_own_tables_work(boot, tmp_path):
    """The control for all of the above: the same tables undamaged carry traffic."""
    extra, word = with_dmar(tmp_path, acpi_tables.dmar(acpi_tables.drhd()), cpus=2)
    result = boot(["work=check_tx", word], extra=extra, cpus=2)
    expect.held(result, 1)
    assert result.records[0]["cpus"] == 2


def test_rmrr(boot, tmp_path):
    """Memory that the firmware keeps for a device stays reachable for that device."""
    entries = acpi_tables.drhd() + acpi_tables.rmrr(0xF0000, 0xF3FFF, acpi_tables.scope(0x1F, 2))
    extra, word = with_dmar(tmp_path, acpi_tables.dmar(entries))
    result = boot(["work=check_tx", word], extra=extra)
    expect.line_with(result, "00:1f.2", "RMRR 0xf0000-0xf4000 mapped")
    expect.held(result, 1)
    expect.no_faults(result)


def test_rmrr_over_our_memory(boot, tmp_path):
    """An RMRR in RAM that is ours would hand it to the device: it stays blocked, and the log says so."""
    base = 0x10000000
    entries = acpi_tables.drhd() + acpi_tables.rmrr(base, base + 0xFFF, acpi_tables.scope(0x1F, 2))
    extra, word = with_dmar(tmp_path, acpi_tables.dmar(entries))
    result = boot(["work=check_tx", word], extra=extra)
    expect.line_with(result, "warn", "RMRR 0x10000000", "ignored")
    expect.held(result, 1)

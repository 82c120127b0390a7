# SPDX-License-Identifier: MIT
"""ACPI tables of our own for a QEMU q35, laid into its RAM: Sluice reads them by acpi_rsdp=.

High in RAM, where nothing else is when they are read: SeaBIOS clears and uses what is low and what is at the
very top, and Sluice's allocator begins below.
"""

import struct

BASE = 0x18000000
RAM = 0x18010000
ONES = 0x100000000  # no RAM by the memory map, and all ones: a unit that does not answer
ECAM, LOCAL_APIC, IO_APIC, VTD = 0xB0000000, 0xFEE00000, 0xFEC00000, 0xFED90000
ENDPOINT, IOAPIC_SCOPE = 1, 3
INCLUDE_ALL = 1


def checksum(data):
    return -sum(data) & 0xFF


def table(signature, body, revision=1, length=None):
    """length: what the header says, where that is a lie."""
    whole = struct.pack(
        "<4sIBB6s8sI4sI", signature.encode(), length or 36 + len(body), revision, 0,
        b"SLUICE", b"TESTS   ", 1, b"TEST", 1,
    ) + body
    counted = whole[: length or len(whole)]
    return whole[:9] + bytes([checksum(counted)]) + whole[10:]


def madt(cpus):
    body = struct.pack("<II", LOCAL_APIC, 1)
    for cpu in range(cpus):
        body += struct.pack("<BBBBI", 0, 8, cpu, cpu, 1)
    return table("APIC", body + struct.pack("<BBBBII", 1, 12, 0, 0, IO_APIC, 0), 3)


def mcfg():
    return table("MCFG", struct.pack("<QQHBBI", 0, ECAM, 0, 0, 255, 0))


def scope(device, function, kind=ENDPOINT, bus=0, number=0):
    return struct.pack("<BBHBBBB", kind, 8, 0, number, bus, device, function)


def drhd(registers=VTD, scopes=b"", flags=INCLUDE_ALL):
    return struct.pack("<HHBBHQ", 0, 16 + len(scopes), flags, 0, 0, registers) + scopes


def rmrr(base, limit, scopes):
    """limit: address of the last byte."""
    return struct.pack("<HHHHQQ", 1, 24 + len(scopes), 0, 0, base, limit) + scopes


def dmar(entries, width=48, flags=1, length=None):
    return table("DMAR", struct.pack("<BB10x", width - 1, flags) + entries, length=length)


def lay_out(tables):
    """All of it as one blob for BASE, the RSDP first."""
    offset = 64 + (36 + 8 * len(tables) + 15) // 16 * 16
    addresses, blob = [], b""
    for entry in tables:
        addresses.append(BASE + offset + len(blob))
        blob += entry + bytes(-len(entry) % 16)
    xsdt = table("XSDT", b"".join(struct.pack("<Q", address) for address in addresses))
    head = rsdp(BASE + 64).ljust(64, b"\0") + xsdt
    return head.ljust(offset, b"\0") + blob


def rsdp(xsdt):
    first = struct.pack("<8sB6sBI", b"RSD PTR ", 0, b"SLUICE", 2, 0)
    first = first[:8] + bytes([checksum(first)]) + first[9:]
    whole = first + struct.pack("<IQB3x", 36, xsdt, 0)
    return whole[:32] + bytes([checksum(whole)]) + whole[33:]


def load(folder, tables):
    """QEMU arguments that put the tables into RAM, and the command-line word for them."""
    (folder / "acpi.bin").write_bytes(lay_out(tables))
    loader = f"loader,file={folder}/acpi.bin,addr={BASE:#x},force-raw=on"
    return ["-device", loader], f"acpi_rsdp={BASE:#x}"


def ones(folder):
    """QEMU arguments for memory of ones at ONES: a DIMM plugged behind the RAM, which the memory map does not list."""
    (folder / "ones.bin").write_bytes(b"\xff" * (2 << 20))
    backend = f"memory-backend-file,id=ones,mem-path={folder}/ones.bin,size=2M,share=off"
    return ["-m", "512M,slots=1,maxmem=2G", "-object", backend, "-device", "pc-dimm,memdev=ones"]

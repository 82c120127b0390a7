# SPDX-License-Identifier: MIT
"""Devices that nobody was given: blocked, but for what an RMRR demands."""

import pytest

import acpi_tables
import expect
import launch

EDU = "00:05.0"
KEPT = 0xE0000  # of firmware, so that an RMRR may hold it
BUS_BLOCKED = 1  # VT-d's reason: nothing on the bus was given to anybody yet


@pytest.fixture
def edu(boot, broken_build, tmp_path):
    """One DMA read of 8 bytes at address by the edu device; the faults it made."""

    def read(address, entries=None):
        words, extra = [f"seed={address:#x}"], ["-device", "edu,addr=5,dma_mask=0xffffffff"]
        if entries is not None:
            tables = [acpi_tables.madt(1), acpi_tables.mcfg(), acpi_tables.dmar(entries)]
            more, word = acpi_tables.load(tmp_path, tables)
            words, extra = [*words, word], [*extra, *more]
        build = broken_build("edu", "cases_run", "drive_edu.c")
        result = boot(words, build=build, extra=extra, peer=False)
        assert result.status == launch.STATUS_OK, result.status_text()
        expect.line_with(result, f"edu: read {address:#x}:")
        return expect.faults(result)

    return read


def of_edu(address, reason):
    page = address & ~0xFFF
    return {"unit": "0", "device": EDU, "access": "read", "address": page, "reason": reason}


@pytest.mark.parametrize("address", (0x200000, 0x10000000, KEPT))
def test_blocked(edu, address):
    assert edu(address) == [of_edu(address, BUS_BLOCKED)]


def test_rmrr_is_honoured_and_no_more(edu):
    entries = acpi_tables.drhd() + acpi_tables.rmrr(KEPT, KEPT + 0xFFF, acpi_tables.scope(5, 0))
    assert edu(KEPT + 8, entries) == []
    assert edu(KEPT + 0x1000, entries) == [of_edu(KEPT + 0x1000, expect.NO_READ)]
    assert edu(0x200000, entries) == [of_edu(0x200000, expect.NO_READ)]

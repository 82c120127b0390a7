# SPDX-License-Identifier: MIT
"""Real traffic on a pairwise cover of what a machine can differ in."""

import pairs
import pytest

import expect

FACTORS = {
    "strategy": ("none", "direct", "on-demand"),
    "caching_mode": (False, True),
    "address_width": (39, 48),
    "firmware": ("kernel", "bios", "efi"),
    "cpus": (1, 2, 4),
}
ROWS = pairs.cover(FACTORS)
WORKS = ("check_rx", "check_tx", "echo", "ping")


def name(row):
    return "-".join(
        [row["firmware"], row["strategy"], f"{row['cpus']}cpu", f"{row['address_width']}bit"]
        + (["caching"] if row["caching_mode"] else [])
    )


def test_every_pair_is_covered():
    met = set().union(*(pairs.pairs_of(row) for row in ROWS))
    assert pairs.every_pair(FACTORS) <= met
    assert len(ROWS) <= 20


@pytest.mark.parametrize("row", ROWS, ids=name)
def test_traffic(boot, row):
    settings = {key: value for key, value in row.items() if key != "strategy"}
    strategy = row["strategy"]
    words = [f"work={','.join(WORKS)}", f"strategy={strategy}", "quota=50%,w50%"]
    words += ["guest=bytes=24M"] + (["unsafe-dma"] if strategy == "none" else [])
    result = boot(words, **settings)
    quotas = 2 if strategy == "on-demand" else 1
    ran = expect.held(result, len(WORKS) * quotas)
    expect.no_faults(result)
    check_machine(result, row)
    for case in ran:
        check_counters(case)


def test_traffic_by_the_other_nic(boot):
    words = ["work=loopback,check_rx,check_tx", "quota=50%,w50%", "guest=bytes=24M"]
    result = boot(words, nic="e1000")
    ran = expect.held(result, 6)
    expect.line_with(result, "8086:100e")
    expect.no_faults(result)
    for case in ran:
        check_counters(case)


def check_machine(result, row):
    first = result.records[0]
    assert first["sluice"] == "boot"
    assert first["cpus"] == row["cpus"]
    assert first["units"] == 1
    capability = int(first["cap"], 16)
    assert bool(capability & 0x80) == row["caching_mode"]
    widths = (capability >> 8) & 0x1F  # SAGAW: bit 1 is 39 bits, bit 2 is 48
    assert bool(widths & 0x4) == (row["address_width"] == 48)
    loader = "multiboot1" if row["firmware"] == "kernel" else "multiboot2"
    expect.line_with(result, f"by {loader}")


def check_counters(case):
    result, pages = case.result, case.asked["memory_pages"]
    assert result["packets"] > 0
    assert result["maps"] >= result["packets"]
    assert result["hits"] + result["misses"] == result["maps"]
    if case.strategy == "on-demand":
        assert result["resident_peak"] <= result["quota"]
    if case.strategy == "direct":
        assert result["resident_peak"] == pages
    if case.quota == "w50%" and case.work == "check_tx":
        assert result["evictions"] > 0
        assert result["inv_waits"] > 0
    if case.quota != "w50%":
        assert [result[key] for key in ("exits", "hypercalls", "misses", "inv_waits")] == [0] * 4

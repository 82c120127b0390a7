# SPDX-License-Identifier: MIT
"""Machines without VT-d, under unsafe-no-iommu: the whole engine at work, with nothing behind its tables."""

import pytest

import expect
from test_matrix import check_counters

WARNING = "the device reaches all memory, as unsafe-no-iommu allows"
# A q35 has PCI Express and an MCFG; the older board is what Bochs has too: PCI by ports.
MACHINES = {
    "e1000e": {"nic": "e1000e"},
    "e1000-i440fx": {"nic": "e1000", "cpus": 2, "extra": ["-machine", "pc"]},
}
# What a run costs, whatever hardware is below. Table pages and ticks depend on where memory lies and what VT-d adds.
COUNTS = (
    "packets", "bytes", "maps", "hits", "misses", "hypercalls", "exits", "evictions", "inv_descriptors", "inv_waits",
    "resident_peak", "pages_touched",
)


@pytest.mark.parametrize("machine", MACHINES)
def test_traffic(boot, machine):
    words = ["work=loopback,check_rx,check_tx", "strategy=direct,on-demand", "quota=50%,w50%", "guest=bytes=24M"]
    result = boot([*words, "unsafe-no-iommu"], iommu=False, **MACHINES[machine])
    ran = expect.held(result, 9)
    expect.line_with(result, "warn main: no DMAR", WARNING)
    assert result.log.count(" warn ") == 1
    assert result.records[0]["units"] == 0
    for case in ran:
        assert case.result["faults"] == 0
        check_counters(case)


def test_counts_are_those_of_vtd(boot):
    words = ["work=loopback", "strategy=direct,on-demand", "quota=50%,w50%,w25%", "flush=batch"]
    settings = {"icount": True, "peer": False, "network": "none"}
    with_vtd = expect.held(boot(words, **settings), 4)
    without = expect.held(boot([*words, "unsafe-no-iommu"], iommu=False, **settings), 4)
    for one, other in zip(with_vtd, without):
        assert [one.result[key] for key in COUNTS] == [other.result[key] for key in COUNTS]
    assert without[-1].result["evictions"] > 0
    assert without[-1].result["inv_waits"] > 0


def test_a_quota_is_refused_as_ever(boot):
    result = boot(["work=loopback", "quota=256K", "unsafe-no-iommu"], iommu=False, peer=False)
    expect.refused(result, "below the guest's floor")


def test_vtd_is_used_where_it_is(boot):
    result = boot(["work=loopback", "quota=50%", "unsafe-no-iommu"], peer=False)
    expect.held(result, 1)
    expect.line_with(result, "warn", "unsafe-no-iommu is ignored")
    assert WARNING not in result.log
    assert result.records[0]["units"] == 1


def test_none_still_needs_its_own_word(boot):
    result = boot(["work=loopback", "strategy=none", "unsafe-no-iommu"], iommu=False, peer=False)
    expect.refused(result, "strategy=none", "add unsafe-dma")

# SPDX-License-Identifier: MIT
"""The guest in Bochs: its calls, its NIC, the whole engine with hardware that translates nothing."""

import pytest

import expect

UNSAFE = "unsafe-no-iommu"
CASES = ["strategy=direct,on-demand", "quota=50%,w50%"]  # three cases a workload
STEADY = ("exits", "hypercalls", "misses", "evictions", "inv_waits", "faults")


def check(case, backend="vmx"):
    result = case.result
    assert (result["backend"], result["irq"]) == (backend, "poll")
    assert result["hits"] + result["misses"] == result["maps"]
    assert result["maps"] >= result["packets"] > 0
    if case.quota != "w50%":
        assert {key: result[key] for key in STEADY} == dict.fromkeys(STEADY, 0)
        return
    assert result["resident_peak"] <= result["quota"]
    assert result["misses"] >= result["exits"] == result["hypercalls"] > 0
    assert result["evictions"] > 0


@pytest.mark.parametrize("cpus", (1, 2))
def test_traffic(boot, cpus):
    """ARP, ICMP and TCP both ways through Bochs' network, each byte compared."""
    works = "ping,check_rx,check_tx" + (",echo" if cpus == 1 else "")
    result = boot([UNSAFE, f"work={works}", *CASES, "guest=bytes=12M"], cpus=cpus, deadline=600)
    for case in expect.held(result, 12 if cpus == 1 else 9):
        check(case)
    assert (result.records[0]["cpus"], result.records[0]["units"]) == (cpus, 0)


def test_svm(boot):
    """The other backend on this machine: the same records."""
    result = boot([UNSAFE, "work=ping,check_tx", *CASES, "guest=bytes=12M"], model="ryzen")
    for case in expect.held(result, 6):
        check(case, "svm")


def test_loopback(boot):
    result = boot([UNSAFE, "work=loopback", *CASES, "guest=frames=1000"], network="mirror")
    for case in expect.held(result, 3):
        check(case)


@pytest.mark.parametrize("cpus", (1, 2))
def test_boots_are_identical(boot, cpus):
    """Two boots of one ISO, byte for byte: Bochs counts instructions, and the gateway is part of it."""
    words = [UNSAFE, "work=ping", *CASES, "guest=count=500"]
    first, second = (boot(words, cpus=cpus, peer=False) for _ in range(2))
    expect.held(first, 3)
    assert first.log == second.log


def test_hostile(boot):
    """Every call with every kind of bad argument, and a table that the guest scribbles on: it hurts nobody else."""
    result = boot([UNSAFE, "work=hostile_calls,hostile_dma,idle", "guest=ms=20"], peer=False)
    assert [case.work for case in expect.held_guests(result)] == ["hostile_calls", "hostile_dma", "idle"]


def test_calibrate(boot):
    """In instructions. The 82540EM has no MSI, and nothing here can be invalidated: null, and why."""
    words = [UNSAFE, "work=calibrate", "quota=1M", "policy=fifo", "flush=strict"]
    result = boot(words, peer=False)
    record = expect.calibrated(result, expect.INTERRUPTS + expect.QUEUE)
    price = {key: record[key]["median"] for key in expect.PRICES if record[key]}
    assert price["clock"] < price["register_write"] < price["hypercall"]
    assert price["hypercall"] < price["nested_fault"] < price["miss"] < price["miss_evict"]
    assert record["backend"] == "vmx"
    for why in ("the NIC has no MSI", "this machine has no VT-d"):
        expect.line_with(result, "warn calibrate", "not measured", why)


def test_the_page_of_a_calibration_goes_with_its_end(boot):
    words = [UNSAFE, "work=calibrate", "strategy=direct", "guest=again=1"]
    (case,) = expect.failed(boot(words, peer=False))
    assert case.calibration
    assert case.end["end"] == "crash"

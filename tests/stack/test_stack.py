# SPDX-License-Identifier: MIT
"""VMX and VT-d together: a guest whose addresses are not the machine's drives the e1000e through EPT and VT-d."""

import pytest

import cases
import expect
import launch

CASES = ["strategy=direct,on-demand", "quota=50%,w50%"]  # three cases a workload
STEADY = ("exits", "hypercalls", "misses", "evictions", "inv_descriptors", "inv_waits", "faults")
HYPERVISOR = 0x200000


def check(case, irq="poll"):
    result = case.result
    assert (result["backend"], result["irq"]) == ("vmx", irq)
    assert result["hits"] + result["misses"] == result["maps"]
    assert result["maps"] >= result["packets"] > 0
    if case.strategy == "direct":
        assert result["resident_peak"] == case.asked["memory_pages"]
    else:
        assert result["resident_peak"] <= result["quota"]
    if case.quota == "w50%":
        assert result["evictions"] > 0
        assert result["inv_waits"] > 0
    if irq == "msi":
        return
    if case.quota == "w50%":
        assert result["misses"] >= result["exits"] == result["hypercalls"] > 0
    else:
        assert {key: result[key] for key in STEADY} == dict.fromkeys(STEADY, 0)


def check_all(result, count):
    ran = expect.held(result, count)
    expect.no_faults(result)
    assert result.records[0]["units"] == 1
    for case in ran:
        check(case)


@pytest.mark.parametrize("cpus", (1, 2))
def test_loopback(boot, cpus):
    check_all(boot(["work=loopback", *CASES, "guest=frames=1000"], cpus=cpus, network="none"), 3)


def test_receiving(boot):
    """ICMP and TCP, each byte compared; the peer runs in the Linux in the middle."""
    check_all(boot(["work=ping,check_rx", *CASES, "guest=bytes=8M,count=100"]), 6)


def test_sending(boot):
    check_all(boot(["work=check_tx", "strategy=on-demand", "quota=50%,w50%", "guest=bytes=9M"]), 2)


def test_interrupts(boot):
    """MSI through a remapping entry, injected into a guest that sleeps until it comes; and traffic with it."""
    words = ["work=probe_irq,check_rx", "irq=msi", "strategy=on-demand", "quota=50%,w50%", "wset=970"]
    result = boot([*words, "guest=bytes=8M"])
    ran = expect.held_guests(result)
    assert [case.irq for case in ran] == ["msi"] * 4
    assert len(result.lines("probe_irq: an interrupt for each of 20 frames")) == 2
    assert not result.lines("sleeps ended late")
    expect.no_faults(result)
    for case in ran[2:]:
        check(case, "msi")


def test_wrong_source(boot, broken_build):
    """With another function's source-id in the entry nothing comes through, and the walker ends the run."""
    build = broken_build("irq", "vm_interrupt_open", "break_irq.c")
    result = boot(["work=probe_irq", "irq=msi", "seed=2"], build=build)
    expect.line_with(result, "probe_irq: no interrupt came for frame 0")
    expect.line_with(result, "walker", "interrupt entry 0 is open for 00:03.1", "belongs to no guest")
    assert "invalid IRTE SID (index=0, sid=24, source_id=25)" in result.stderr
    expect.failed(result)


def test_blocked(boot):
    """DMA to a page that is not mapped, and to the hypervisor: VT-d stops it, and says so."""
    result = boot(["work=probe_unmapped,probe_hypervisor,idle", "strategy=on-demand", "quota=50%", "guest=ms=20"])
    assert result.status in (launch.STATUS_OK, launch.STATUS_CASE_FAILED), result.status_text()
    found = [(fault["device"], fault["access"], fault["address"]) for fault in expect.faults(result)]
    unmapped = expect.addresses_said(result, "probe_unmapped")[0] & ~0xFFF
    assert (expect.NIC, "read", unmapped) in found
    assert (expect.NIC, "write", HYPERVISOR) in found
    ran = cases.group(result.records)
    assert (ran[-1].work, ran[-1].held) == ("idle", True)


def test_a_missing_invalidation_is_caught(boot, broken_build):
    """This unit's IOTLB keeps what it is not told to forget: the probe that test_break.py makes fail fails here too."""
    words = ["work=probe_evicted", "quota=256K"]
    expect.probe_faults(boot(words), "probe_evicted", {expect.NO_READ})
    broken = boot(words, build=broken_build("inval", "dma_hw_invalidate", "break_inval.c"))
    assert expect.addresses_said(broken, "probe_evicted"), "the probe did not come so far"
    assert expect.faults(broken) == []


def test_crash(boot):
    """Under nested VMX a guest that dies or spins ends in words, and the next one runs."""
    works = "crash_triple,crash_wild,crash_vmx,crash_spin,idle"
    result = boot([f"work={works}", "deadline=1000", "guest=ms=20"])
    ran = expect.failed(result)
    assert [case.end["end"] for case in ran] == ["crash", "crash", "crash", "deadline", "exit"]
    for words in ("triple fault", "outside its RAM", "VMXOFF", "heartbeat stood still"):
        expect.line_with(result, " error ", words)
    assert ran[-1].held


def test_calibrate(boot):
    """All that there is to measure, with VMX: by two emulated machines' time, which is no hardware's."""
    record = expect.calibrated(boot(["work=calibrate", "irq=msi", "quota=1M", "policy=fifo", "flush=strict"]))
    assert record["backend"] == "vmx"
    assert record["hypercall"]["median"] < record["nested_fault"]["median"]
    assert record["interrupt_exits"] >= 512

# SPDX-License-Identifier: MIT
"""What must not work: DMA to what is not the device's faults, and a guest that breaks out or dies is reported."""

import launch
import pytest

import cases
import expect

HYPERVISOR, REGISTERS = 0x200000, 0xFED90000


def probe(boot, workload, strategy="on-demand", words=(), **settings):
    result = boot([f"work={workload},idle", f"strategy={strategy}", "quota=50%", *words], **settings)
    # The guest did what it set out to do: the fault is the verdict, and the next guest runs.
    assert result.status in (launch.STATUS_OK, launch.STATUS_CASE_FAILED), result.status_text()
    after = cases.group(result.records)[-1]
    assert (after.work, after.held) == ("idle", True)
    return result


@pytest.mark.parametrize("caching", (False, True), ids=("", "caching"))
def test_unmapped(boot, caching):
    result = probe(boot, "probe_unmapped", caching_mode=caching)
    found = expect.probe_faults(result, "probe_unmapped", {expect.NO_READ})
    assert found[0]["address"] == expect.addresses_said(result, "probe_unmapped")[0] & ~0xFFF


def test_behind_ram(boot):
    """Direct maps all of the guest's RAM, and not one page more."""
    result = probe(boot, "probe_unmapped", "direct")
    found = expect.probe_faults(result, "probe_unmapped", {expect.NO_READ})
    assert [fault["address"] for fault in found] == [expect.addresses_said(result, "probe_unmapped")[-1] & ~0xFFF]


def test_readonly(boot):
    result = probe(boot, "probe_readonly")
    found = expect.probe_faults(result, "probe_readonly", {expect.NO_WRITE})
    assert found[0]["access"] == "write"


def both(address):
    return {("read", address), ("write", address)}


@pytest.mark.parametrize("strategy", ("direct", "on-demand"))
def test_hypervisor(boot, strategy):
    result = probe(boot, "probe_hypervisor", strategy)
    found = expect.probe_faults(result, "probe_hypervisor", {expect.NO_READ, expect.NO_WRITE})
    assert {(fault["access"], fault["address"]) for fault in found} == both(HYPERVISOR)


@pytest.mark.parametrize("strategy", ("direct", "on-demand"))
def test_vtd_registers(boot, strategy):
    result = probe(boot, "probe_vtd", strategy)
    found = expect.probe_faults(result, "probe_vtd", {expect.NO_READ, expect.NO_WRITE})
    assert {(fault["access"], fault["address"]) for fault in found} == both(REGISTERS)


@pytest.mark.parametrize("policy", ("fifo", "sieve", "adaptive"))
@pytest.mark.parametrize("flush", ("strict", "batch"))
def test_evicted(boot, policy, flush):
    result = boot(["work=probe_evicted", "quota=256K", f"policy={policy}", f"flush={flush}"])
    expect.probe_faults(result, "probe_evicted", {expect.NO_READ})


def test_after_the_end(boot, flood):
    """The device of a guest that ended is quiet: what still comes in for it reaches no memory, and gives no fault."""
    result = probe(boot, "probe_late", words=[expect.LATE], **flood.settings("probe_late:"))
    expect.line_with(result, "probe_late:", "receive buffers posted")
    expect.no_faults(result)
    assert result.status == launch.STATUS_OK


# ---- guests that crash ---------------------------------------------------------------------------

CRASHES = {
    # workload: how the case ends, words of the report
    "crash_triple": ("crash", ("triple fault",)),
    "crash_spin": ("deadline", ("heartbeat",)),
    "crash_wild": ("crash", ("wrote 0x", "outside its ram")),
    "crash_io": ("crash", ("0xcf8",)),
    "crash_msr": ("crash", ("0x1b",)),
    "crash_hlt": ("deadline", ("heartbeat",)),
    "crash_control": ("crash", ("cr0",)),
    "crash_virt": ("crash", ("vmrun",)),
    "crash_vmx": ("crash", ("invalid opcode",)),
}


@pytest.mark.parametrize("workload", CRASHES)
def test_crash(boot, workload):
    end, words = CRASHES[workload]
    result = boot([f"work={workload},idle", "deadline=500"], deadline=30)
    crashed, after = expect.failed(result)
    assert crashed.end["end"] == end
    assert not crashed.results
    report = [line for line in result.log.splitlines() if " error " in line]
    assert any(all(word in line.lower() for word in words) for line in report), report
    assert "nothing stopped it" not in result.log
    assert after.held, "the hypervisor goes on with the next guest"
    expect.no_faults(result)


def test_unknown_workload(boot):
    result = boot(["work=juggle"])
    expect.line_with(result, "work=juggle", "no such workload")
    expect.failed(result)


@pytest.mark.parametrize("strategy", ("direct", "on-demand"))
def test_hostile_dma(boot, strategy):
    """Bad descriptors and scribbles over the table hurt nobody: errors, no fault outside, and traffic afterwards."""
    result = boot(["work=hostile_dma,check_tx", f"strategy={strategy}", "quota=50%"])
    ran = expect.held_guests(result)
    assert [case.work for case in ran] == ["hostile_dma", "check_tx"]
    assert ran[1].held


def test_hostile_calls(boot):
    result = boot(["work=hostile_calls,idle"])
    ran = expect.held_guests(result)
    assert [case.work for case in ran] == ["hostile_calls", "idle"]

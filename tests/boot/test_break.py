# SPDX-License-Identifier: MIT
"""Builds with one step left out: the probes must tell them from the real thing, or they prove nothing."""

import pytest

import expect


@pytest.mark.parametrize("policy", ("fifo", "sieve", "adaptive"))
def test_a_missing_invalidation_is_caught(boot, broken_build, policy):
    """The same boot as test_negative.test_evicted's: without the invalidation the device still reads the page."""
    broken = broken_build("inval", "dma_hw_invalidate", "break_inval.c")
    result = boot(["work=probe_evicted", "quota=256K", f"policy={policy}"], build=broken)
    assert expect.addresses_said(result, "probe_evicted"), "the probe did not come so far"
    with pytest.raises(AssertionError, match="no fault was recorded"):
        expect.probe_faults(result, "probe_evicted", {expect.NO_READ})


def test_a_device_left_running_is_caught(boot, broken_build, flood):
    """The same boot as test_negative.test_after_the_end's: now what comes in for the guest that is gone is DMA that
    VT-d has to stop, and records."""
    broken = broken_build("quiet", "vm_device_quiet", "break_quiet.c")
    result = boot(["work=probe_late,idle", "quota=50%", expect.LATE], build=broken, **flood.settings("probe_late:"))
    expect.line_with(result, "probe_late:", "receive buffers posted")
    found = expect.faults(result)
    assert found, "no fault was recorded"
    assert {(fault["device"], fault["reason"]) for fault in found} == {(expect.NIC, expect.BLOCKED)}

# SPDX-License-Identifier: MIT
"""Guests that break out or die under VMX: reported in words, and the next one runs."""

import pytest

import expect

CRASHES = {
    # workload: how the case ends, words of the report; as under SVM (tests/boot/test_negative.py)
    "crash_triple": ("crash", ("triple fault",)),
    "crash_spin": ("deadline", ("heartbeat",)),
    "crash_wild": ("crash", ("wrote 0x", "outside its ram")),
    "crash_io": ("crash", ("0xcf8",)),
    "crash_msr": ("crash", ("0x1b",)),
    "crash_hlt": ("deadline", ("heartbeat",)),
    "crash_control": ("crash", ("cr0",)),
    "crash_virt": ("crash", ("invalid opcode",)),
    "crash_vmx": ("crash", ("vmxoff",)),
}
WORDS = ["unsafe-no-iommu", "deadline=500"]


@pytest.mark.parametrize("workload", CRASHES)
def test_crash(boot, workload):
    end, words = CRASHES[workload]
    result = boot([*WORDS, f"work={workload},idle", "guest=ms=20"], peer=False)
    crashed, after = expect.failed(result)
    assert crashed.end["end"] == end
    assert not crashed.results
    report = [line for line in result.log.splitlines() if " error " in line]
    assert any(all(word in line.lower() for word in words) for line in report), report
    assert after.held, "the hypervisor goes on with the next guest"

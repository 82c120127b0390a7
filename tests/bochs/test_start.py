# SPDX-License-Identifier: MIT
"""Whether VMX is there to be turned on, and what is said where it must not be."""

import pytest

import expect
import launch

IDLE = ["unsafe-no-iommu", "work=idle", "guest=ms=20"]


def test_no_iommu_is_refused(boot):
    expect.refused(boot(["work=idle"], peer=False), "no DMAR", "unsafe-no-iommu")


@pytest.mark.parametrize("firmware, cpus", (("bochs", 1), ("bochs", 2), ("seabios", 1)))
def test_feature_control(boot, firmware, cpus):
    """One BIOS leaves IA32_FEATURE_CONTROL locked with VMX on; the other, which starts one CPU only, all of it to us."""
    result = boot(IDLE, firmware=firmware, cpus=cpus, peer=False)
    expect.held(result, 1)
    expect.line_with(result, f"vmx on {cpus} CPUs")


def test_locked_off(boot, broken_build):
    build = broken_build("feature", "time_init", "break_feature.c")
    result = boot(IDLE, build=build, firmware="seabios", peer=False)
    expect.refused(result, "no hardware virtualization", "the firmware has locked VMX off", "enable it there")


def test_processor_without(boot):
    result = boot(IDLE, model="p4_prescott_celeron_336", peer=False)
    expect.refused(result, "no hardware virtualization", "neither VMX nor SVM")


def test_no_msi(boot):
    """The 82540EM has none, and this machine nothing that would remap it."""
    expect.refused(boot([*IDLE, "irq=msi"], peer=False), "irq=msi", "8086:100e", "no MSI", "irq=poll")


def test_a_hang_shows_where(boot):
    """No end of ours: the deadline's status, and the registers as Bochs' debugger shows them."""
    result = boot([*IDLE, "exit=halt"], deadline=20, peer=False)
    assert result.status is None
    assert "rip: 00000000_" in result.stderr


def test_panic(boot, broken_build):
    build = broken_build("panic", "cases_run", "break_panic.c")
    result = boot([*IDLE, "seed=6"], build=build, cpus=2, peer=False)
    assert result.status == launch.STATUS_PANIC, result.status_text()
    expect.line_with(result, "error panic:", "CPU 0: seed 6 is asked for")

# SPDX-License-Identifier: MIT
"""What is said where KVM can't run Sluice, and how QEMU is started where it can; QEMU is played by a script."""

import pytest

import kvm
import launch
from hostside import LaunchError

# Comes up when its -cpu holds the word; else says what QEMU says.
FAKE = """#!/bin/sh
case "$*" in
*'{word}'*) read -r line && [ "$line" = quit ] && exit 0 ;;
esac
echo "{words}" >&2
exit 1
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A device that opens, and a QEMU that comes up with CPUs whose description holds word."""

    def maker(word, words="Host doesn't support requested features"):
        (tmp_path / "kvm").touch()
        (tmp_path / "qemu").write_text(FAKE.format(word=word, words=words))
        (tmp_path / "qemu").chmod(0o755)
        monkeypatch.setattr(kvm, "DEVICE", str(tmp_path / "kvm"))
        monkeypatch.setenv("QEMU", str(tmp_path / "qemu"))
        monkeypatch.setenv("ACCEL", "kvm")
        kvm.feature.cache_clear()

    yield maker
    kvm.feature.cache_clear()


@pytest.mark.parametrize("feature", ("vmx", "svm"))
def test_there(machine, feature):
    machine(f"-cpu host,+{feature},enforce")
    assert kvm.feature() == feature
    command = launch.Machine(words=[]).hardware({})
    assert command[:6] == ["-machine", "q35,kernel-irqchip=split", "-accel", "kvm", "-cpu", f"host,+{feature}"]
    assert "intel-iommu,intremap=on,aw-bits=48,caching-mode=off" in command


def test_no_nesting(machine):
    machine("-cpu host ")
    with pytest.raises(LaunchError, match="offers its guests neither VMX nor SVM: load kvm_intel or kvm_amd with nested=1"):
        kvm.feature()


def test_kvm_that_does_not_work(machine):
    machine("never", "failed to set MSR 0x10a")
    with pytest.raises(LaunchError, match="KVM does not work with this QEMU: failed to set MSR 0x10a"):
        kvm.feature()


def test_no_device(machine, monkeypatch):
    machine("host")
    monkeypatch.setattr(kvm, "DEVICE", "/nowhere/kvm")
    with pytest.raises(LaunchError, match="there is no /nowhere/kvm: turn virtualization on in the firmware"):
        kvm.feature()


def test_no_permission(machine, monkeypatch):
    machine("host")

    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(kvm.os, "open", refuse)
    with pytest.raises(LaunchError, match="may not be opened: join the group kvm"):
        kvm.feature()


def test_no_qemu(machine, monkeypatch):
    machine("host")
    monkeypatch.setenv("QEMU", "/nowhere/qemu")
    with pytest.raises(LaunchError, match="/nowhere/qemu is not installed: run tools/setup run"):
        kvm.feature()

#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Whether KVM can run Sluice here, found out by starting QEMU: a /dev/kvm may open and yet offer no virtualization.

usage: tools/kvm.py      status 0 and what there is, or status 1 and what is missing, in words
"""

import functools
import os
import subprocess
import sys

from hostside import LaunchError

DEVICE = "/dev/kvm"
PROBE_SECONDS = 20
NO_NESTING = (
    "KVM works, but offers its guests neither VMX nor SVM: load kvm_intel or kvm_amd with nested=1; where this machine is a guest"
    " itself, its host has to allow that too"
)


def missing():
    """What keeps QEMU from using KVM at all, in words; "" when nothing does."""
    if not os.path.exists(DEVICE):
        return (f"there is no {DEVICE}: turn virtualization on in the firmware and load kvm_intel or kvm_amd; where"
                " this machine is a guest itself, its host has to offer nested virtualization")
    try:
        os.close(os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC))
    except PermissionError:
        return f"{DEVICE} may not be opened: join the group kvm (usermod -aG kvm USER, then log in again)"
    except OSError as error:
        return f"{DEVICE} does not open: {error.strerror}"
    return ""


def starts(cpu):
    """(True, "") when QEMU comes up with exactly this CPU under KVM; else what it said."""
    command = [os.environ.get("QEMU", "qemu-system-x86_64"), "-accel", "kvm", "-machine", "q35,kernel-irqchip=split"]
    command += ["-cpu", cpu, "-nodefaults", "-no-user-config", "-display", "none", "-S", "-monitor", "stdio"]
    try:
        done = subprocess.run(command, input="quit\n", capture_output=True, text=True, timeout=PROBE_SECONDS, check=False)
    except FileNotFoundError:
        raise LaunchError(f"{command[0]} is not installed: run tools/setup run") from None
    except subprocess.TimeoutExpired:
        return False, f"no answer in {PROBE_SECONDS} s"
    return done.returncode == 0, done.stderr.strip().replace("\n", "; ")


@functools.cache
def feature():
    """vmx or svm, which KVM can give to its guests. LaunchError in words where it can't."""
    wrong = missing()
    if wrong:
        raise LaunchError(wrong)
    said = ""
    for name in ("vmx", "svm"):
        works, said = starts(f"host,+{name},enforce")
        if works:
            return name
    works, said = starts("host")
    if not works:
        raise LaunchError(f"KVM does not work with this QEMU: {said}")
    raise LaunchError(NO_NESTING)


def main():
    try:
        print(f"KVM offers {feature().upper()} to its guests")
    except LaunchError as error:
        sys.exit(f"kvm: {error}")


if __name__ == "__main__":
    main()

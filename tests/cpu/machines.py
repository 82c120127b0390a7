# SPDX-License-Identifier: MIT
"""The CPU tests' image in the emulators: QEMU's TCG has SVM, Bochs has VMX."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import bochs  # noqa: E402
import launch  # noqa: E402

IMAGE = "cpu-test.elf32"
NATIVE_CASES = "native,native_events,vcpu_init_needs_frames,sharing_needs_frames"
NATIVE = ("guest=native", "unsafe-native", f"work={NATIVE_CASES}")
MEMORY = 64  # MiB; the cases that use it all up are then the sooner done


def qemu(build, words=("work=all",), cpu="max", **settings):
    machine = launch.Machine(
        words=["exit=qemu", *words], build=build, image=IMAGE, modules=[], memory=f"{MEMORY}M", iommu=False, nic=None,
        peer=False, extra=["-cpu", cpu], **settings
    )
    return machine.run()


def bochs_(build, words=("work=all",), **settings):
    machine = bochs.Machine(
        words=["exit=bochs", *words], build=build, image=IMAGE, modules=[], memory=MEMORY, network="mirror", peer=False,
        deadline=240, **settings
    )
    return machine.run()


# How each backend comes to its own, and how a machine without what it needs is refused: {name: (boot, words)}.
REFUSALS = {
    "no-svm": (lambda build: qemu(build, cpu="max,-svm"), "this processor has neither VMX nor SVM"),
    "no-npt": (lambda build: qemu(build, cpu="max,-npt"), "this processor's SVM has no nested paging"),
    "no-ept": (lambda build: bochs_(build, model="core2_penryn_t9600"), 'lacks the secondary processor-based control "enable EPT"'),
    "locked-off": (
        lambda build: bochs_(build, ["work=locked_off"], firmware="seabios"), "the firmware has locked VMX off"
    ),
}


def coverage_logs(build):
    """The consoles of all that makes a difference to what is run."""
    yield qemu(build, cpus=2).log
    yield qemu(build, NATIVE, cpus=2).log
    yield bochs_(build, cpus=2).log
    yield bochs_(build, ["work=exits"], firmware="seabios").log
    for boot, _ in REFUSALS.values():
        yield boot(build).log

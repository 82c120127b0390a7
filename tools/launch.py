#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Boots Sluice in QEMU: Machine(...).run() gives the exit status, the result records and the log.

QEMU= names another emulator, ACCEL= another accelerator (default tcg,thread=multi; kvm: tools/kvm.py tells whether it can).
"""

import dataclasses
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import iso
import kvm
from console import Console
from hostside import GUEST_PORTS, LaunchError, Peer, free_ports, with_peer

ROOT = pathlib.Path(__file__).resolve().parent.parent
OVMF = pathlib.Path("/usr/share/OVMF")
# What isa-debug-exit turns kernel/panic.h's exit codes into.
STATUS_OK, STATUS_REFUSED, STATUS_CASE_FAILED, STATUS_PANIC = 33, 35, 37, 39
STATUS_NAMES = {
    None: "deadline",
    33: "every case held",
    35: "refused",
    37: "a case failed",
    39: "panic",
}


@dataclasses.dataclass
class Result:
    status: int | None  # QEMU's exit status; None: killed at the deadline
    records: list  # result records, checksums verified
    bad_records: list  # texts: damaged or missing ones
    log: str  # the whole console, cleaned of escape sequences
    seconds: float
    stderr: str

    def lines(self, text):
        return [line for line in self.log.splitlines() if text in line]

    def status_text(self):
        return f"{self.status} ({STATUS_NAMES.get(self.status, 'QEMU or the machine failed')})"


@dataclasses.dataclass
class Machine:
    words: list  # command-line words; peer= is added to guest= where a peer runs
    build: pathlib.Path = ROOT / "build"
    firmware: str = "kernel"  # kernel (multiboot1), bios or efi (GRUB, multiboot2)
    modules: list | None = None  # default: the build's guest
    cpus: int = 1
    memory: str = "512M"
    iommu: bool = True
    address_width: int = 48
    caching_mode: bool = False
    remapping: bool = True
    nic: str | None = "e1000e"
    network: str = "user"  # user, or none: a NIC with its cable unplugged
    icount: bool = False
    peer: bool = True
    traces: pathlib.Path | None = None  # where the peer keeps traces; default: out/traces
    extra: list = dataclasses.field(default_factory=list)  # further QEMU arguments
    deadline: float = 60
    log_path: pathlib.Path | None = None
    on_line: object = None  # called with each console line as it comes
    on_record: object = None  # called with each record as it comes
    on_ports: object = None  # called with {guest's port: host's} before QEMU starts
    image: str = "sluice.elf32"

    def run(self):
        """Starts the peer and QEMU, and waits for the end or the deadline."""
        for _ in range(5):
            with tempfile.TemporaryDirectory(prefix="sluice-") as scratch:
                result = self.attempt(pathlib.Path(scratch))
            # Another program may take a port between finding it free and QEMU's use of it.
            if "Could not set up host forwarding" not in result.stderr:
                return result
        raise LaunchError(f"no free host ports: {result.stderr.strip()}")

    def attempt(self, scratch):
        ports = free_ports() if self.network == "user" and self.nic else {}
        if self.on_ports:
            self.on_ports(ports)
        peer = Peer(ports, traces=self.traces) if self.peer and ports else None
        try:
            words = with_peer(self.words, peer.port) if peer else list(self.words)
            return self.boot(self.command(words, ports, scratch))
        finally:
            if peer:
                peer.stop()

    def command(self, words, ports, scratch):
        qemu = os.environ.get("QEMU", "qemu-system-x86_64")
        if not shutil.which(qemu):
            raise LaunchError(f"{qemu} is not installed: run tools/setup run")
        return [qemu, *self.hardware(ports), "-serial", "stdio", *self.loader(words, scratch), *self.extra]

    def hardware(self, ports):
        command = self.accelerator() + ["-smp", str(self.cpus), "-m", self.memory]
        command += ["-nodefaults", "-no-user-config", "-display", "none", "-monitor", "none", "-no-reboot"]
        command += ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
        return command + self.iommu_device() + self.nic_device(ports)

    def accelerator(self):
        if self.icount:
            # One thread and a clock that counts instructions: equal inputs, equal runs.
            return ["-machine", "q35", "-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off"] + [
                "-cpu", "max", "-rtc", "base=2000-01-01,clock=vm"
            ]
        name = accelerator_name()
        if "tcg" in name:
            return ["-machine", "q35", "-accel", name, "-cpu", "max"]
        return kvm_machine(name, kvm.feature())

    def iommu_device(self):
        if not self.iommu:
            return []
        on = {True: "on", False: "off"}
        return ["-device", f"intel-iommu,intremap={on[self.remapping]}"
                f",aw-bits={self.address_width},caching-mode={on[self.caching_mode]}"]

    def nic_device(self, ports):
        if not self.nic:
            return []
        netdev = "user,id=n0"
        for guest, host in ports.items():
            for protocol in GUEST_PORTS[guest]:
                netdev += f",hostfwd={protocol}:127.0.0.1:{host}-:{guest}"
        if self.network != "user":
            netdev = "hubport,id=n0,hubid=0"
        return ["-netdev", netdev, "-device", f"{self.nic},netdev=n0,addr=3,romfile="]

    def loader(self, words, scratch):
        image = self.build / self.image
        modules = [self.build / "guest.elf"] if self.modules is None else self.modules
        for file in [image, *modules]:
            if not pathlib.Path(file).exists():
                raise LaunchError(f"{file} is not there: run make")
        if self.firmware == "kernel":
            initrd = ",".join(str(module).replace(",", ",,") for module in modules)
            command = ["-kernel", str(image), "-append", " ".join(words)]
            return command + (["-initrd", initrd] if modules else [])
        disk = scratch / "sluice.iso"
        iso.make(disk, self.firmware, image, modules, words)
        return self.flash(scratch) + ["-cdrom", str(disk)]

    def flash(self, scratch):
        if self.firmware != "efi":
            return []
        if not OVMF.is_dir():
            raise LaunchError(f"{OVMF} is not there: run tools/setup run")
        variables = scratch / "vars.fd"
        shutil.copy(OVMF / "OVMF_VARS_4M.fd", variables)
        return ["-drive", f"if=pflash,format=raw,readonly=on,file={OVMF}/OVMF_CODE_4M.fd",
                "-drive", f"if=pflash,format=raw,file={variables}"]

    def boot(self, command):
        start = time.monotonic()
        with tempfile.TemporaryFile() as stderr:
            qemu = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr
            )
            console = Console(self.log_path, self.on_line, self.on_record)
            try:
                in_time = console.follow(qemu.stdout, start + self.deadline)
                status = wait(qemu, start + self.deadline) if in_time else None
            finally:
                if qemu.poll() is None:
                    qemu.kill()
                qemu.wait()
                console.close()
            stderr.seek(0)
            text = stderr.read().decode(errors="replace")
        return Result(
            status, console.records, console.bad, "\n".join(console.lines) + "\n",
            time.monotonic() - start, text,
        )


def kvm_machine(name, feature):
    """Interrupt remapping needs the split irqchip: the IOAPIC, whose interrupts are remapped too, is QEMU's then."""
    return ["-machine", "q35,kernel-irqchip=split", "-accel", name, "-cpu", f"host,+{feature}"]


def accelerator_name():
    return os.environ.get("ACCEL", "tcg,thread=multi")


def wait(process, until):
    try:
        return process.wait(max(0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        return None


def main():
    """Boots with the words given and shows the console: tools/launch.py work=echo strategy=direct"""
    try:
        result = Machine(words=["exit=qemu"] + sys.argv[1:], on_line=print).run()
    except LaunchError as error:
        sys.exit(f"launch: {error}")
    print(f"status {result.status_text()}, {result.seconds:.1f} s {result.stderr.strip()}")
    sys.exit(0 if result.status == STATUS_OK else 1)


if __name__ == "__main__":
    main()

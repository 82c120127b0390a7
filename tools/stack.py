#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""VMX and VT-d at once, on any machine: boots Sluice in QEMU, under KVM, in Linux, in Bochs, which emulates VMX.

Machine(...).run() as in launch.py, with the same Result; the status is QEMU's. tools/snapshot.py makes the Linux in
the middle; the peer runs in there.
"""

import dataclasses
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time

import bochs
import iso
import launch
import snapshot
from console import Console, Tail
from hostside import GUEST_PORTS, LaunchError

QEMU_ENDED = re.compile(r"^QEMU rc (\d+)\s*", re.MULTILINE)
# The guest's console is the second serial line of Bochs; its disk is the one that the ISO comes on.
GUEST = ["-drive", "file=/dev/sda,format=raw,media=cdrom,readonly=on", "-chardev", "serial,id=s0,path=/dev/ttyS1"]
GUEST += ["-serial", "chardev:s0"]


@dataclasses.dataclass
class Machine(launch.Machine):
    memory: str = "256M"
    deadline: float = 600

    def run(self):
        with tempfile.TemporaryDirectory(prefix="sluice-stack-") as scratch:
            return self.attempt(pathlib.Path(scratch))

    def attempt(self, scratch):
        state = snapshot.get() / "state"
        modules = [self.build / "guest.elf"] if self.modules is None else self.modules
        image = scratch / "sluice.iso"
        iso.make(image, "bios", self.build / self.image, modules, self.words)
        snapshot.make_disk(scratch / "disk.img", image.read_bytes(), self.job())
        (scratch / "rc").write_text("c\nregs\nq\n")
        (scratch / "serial.txt").touch()
        return self.boot(["bochs-bin", "-q", "-r", str(state), "-rc", "rc"], scratch)

    def accelerator(self):
        return launch.kvm_machine("kvm", "vmx")

    def job(self):
        """For the shell in the middle. The guest's ports have their own numbers there, and the peer its usual one."""
        ports = {port: port for port in GUEST_PORTS} if self.network == "user" else {}
        qemu = ["qemu-system-x86_64", "-L", "/usr/share/qemu", *self.hardware(ports), *GUEST, *self.extra]
        return f'#job\n{shlex.join(qemu)} </dev/null\necho "QEMU rc $?"\n'.encode()

    def boot(self, command, scratch):
        start = time.monotonic()
        console = Console(self.log_path, self.on_line, self.on_record)
        with open(scratch / "out.txt", "wb") as out:
            process = subprocess.Popen(
                command, cwd=scratch, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                env=dict(os.environ, TERM="dumb"),
            )
            try:
                in_time = console.follow(Tail(scratch / "serial.txt", process), start + self.deadline)
            finally:
                bochs.stop(process)
                console.close()
        said = scratch / "linux.txt"
        middle = said.read_text(errors="replace") if said.exists() else ""
        ended = QEMU_ENDED.search(middle)
        # The console of the Linux in the middle has what QEMU writes to its stderr.
        trouble = QEMU_ENDED.sub("", middle) + bochs.trouble(scratch, in_time)
        return launch.Result(
            (int(ended.group(1)) if ended else 1) if in_time else None, console.records, console.bad,
            "\n".join(console.lines) + "\n", time.monotonic() - start, trouble,
        )


def main():
    """Boots with the words given and shows the console: tools/stack.py work=loopback strategy=direct"""
    try:
        result = Machine(words=["exit=qemu"] + sys.argv[1:], on_line=print).run()
    except LaunchError as error:
        sys.exit(f"stack: {error}")
    print(f"status {result.status_text()}, {result.seconds:.1f} s {result.stderr.strip()}")
    sys.exit(0 if result.status == launch.STATUS_OK else 1)


if __name__ == "__main__":
    main()

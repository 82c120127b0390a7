#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Boots Sluice in Bochs, which emulates VMX and has no VT-d: Machine(...).run() as in launch.py, with the same Result.

Bochs hands on no exit code, so the status is made of the console's last record, as QEMU would have given it.
"""

import contextlib
import dataclasses
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import iso
import launch
from console import Console, Tail
from hostside import LaunchError, Peer, free_ports, with_peer

FIRMWARE = {"bochs": "/usr/share/bochs/BIOS-bochs-latest", "seabios": "/usr/share/seabios/bios.bin"}
VGA = "/usr/share/bochs/VGABIOS-lgpl-latest"
MAC = "52:54:00:12:34:56"
SVM_MODELS = ("ryzen",)  # these lack VM_CR, which comes with SVM: reading it must not fault
# What Bochs has to say about a run; its way of ending is a panic as well.
NO_PORT = "could not set up host forwarding"
TROUBLE = re.compile(rf"VMFAIL|VMENTER FAIL|>>PANIC<<|{NO_PORT}")
SHUTDOWN = "Shutdown port: shutdown requested"
DEBUGGER_SECONDS = 5
PEER_SECONDS = 300  # by the clock here; the machine may be slow
REGISTER_LINES = 30

# Errors are reported: that a VM entry failed, and why, is one of them.
CONFIG = """config_interface: textconfig
display_library: term
memory: guest={memory}, host={memory}
romimage: file={bios}
vgaromimage: file={vga}
boot: cdrom
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path=sluice.iso, status=inserted
pci: enabled=1, chipset=i440fx, slot1=e1000
e1000: card=0, enabled=1, mac={mac}, {network}
cpu: model={model}, count={cpus}, ips=50000000, reset_on_triple_fault=0, ignore_bad_msrs={lenient}
clock: sync=none, time0=946684800, rtc_sync=0
com1: enabled=1, mode=file, dev=com1.txt
log: bochs.log
panic: action=fatal
error: action=report
info: action=ignore
debug: action=ignore
magic_break: enabled=0
speaker: enabled=0
sound: waveoutdrv=dummy
"""


@dataclasses.dataclass
class Machine:
    words: list  # command-line words; peer= is added to guest= where a peer runs
    build: pathlib.Path = launch.ROOT / "build"
    firmware: str = "bochs"  # leaves IA32_FEATURE_CONTROL locked with VMX on; seabios leaves it 0
    modules: list | None = None  # default: the build's guest
    model: str = "tigerlake"  # ryzen has SVM
    cpus: int = 1
    memory: int = 512  # MiB
    network: str = "slirp"  # slirp; or mirror: each frame comes back, since this 82540EM has no loopback of its own
    peer: bool = True
    deadline: float = 300
    log_path: pathlib.Path | None = None  # Bochs' own log is kept beside it, as *.bochs.log
    on_line: object = None  # called with each console line as it comes
    on_record: object = None  # called with each record as it comes
    image: str = "sluice.elf32"

    def run(self):
        """Starts the peer and Bochs, and waits for the end or the deadline."""
        if not shutil.which("bochs-bin"):
            raise LaunchError("bochs is not installed: run tools/setup test")
        for _ in range(5):
            with tempfile.TemporaryDirectory(prefix="sluice-bochs-") as scratch:
                result = self.attempt(pathlib.Path(scratch))
            # Another program may take a port between finding it free and Bochs' use of it.
            if NO_PORT not in result.stderr:
                return result
        raise LaunchError(f"no free host ports: {result.stderr.strip()}")

    def attempt(self, scratch):
        with contextlib.ExitStack() as stack:
            words = list(self.words)
            if self.network == "mirror":
                mirror = stack.enter_context(Mirror())
                network = f"ethmod=socket, ethdev={mirror.port}"
            else:
                ports = free_ports()
                (scratch / "slirp.conf").write_text(slirp(ports))
                network = "ethmod=slirp, script=slirp.conf"
                if self.peer:
                    peer = Peer(ports, PEER_SECONDS)
                    stack.callback(peer.stop)
                    words = with_peer(words, peer.port)
            self.prepare(scratch, words, network)
            return self.boot(scratch)

    def prepare(self, scratch, words, network):
        modules = [self.build / "guest.elf"] if self.modules is None else self.modules
        image = self.build / self.image
        for file in [image, *modules]:
            if not pathlib.Path(file).exists():
                raise LaunchError(f"{file} is not there: run make")
        iso.make(scratch / "sluice.iso", "bios", image, modules, words)
        (scratch / "bochsrc").write_text(
            CONFIG.format(memory=self.memory, bios=FIRMWARE[self.firmware], vga=VGA, mac=MAC, network=network,
                          model=self.model, lenient=int(self.model in SVM_MODELS), cpus=self.cpus)
        )
        # SIGINT stops the first command; the second shows where it hung.
        (scratch / "rc").write_text("c\nregs\nq\n")
        (scratch / "com1.txt").touch()

    def boot(self, scratch):
        start = time.monotonic()
        with open(scratch / "out.txt", "wb") as out:
            bochs = subprocess.Popen(
                ["bochs-bin", "-q", "-f", "bochsrc", "-rc", "rc"], cwd=scratch,
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                env=dict(os.environ, TERM="dumb"),
            )
            console = Console(self.log_path, self.on_line, self.on_record)
            try:
                tail = Tail(scratch / "com1.txt", bochs)
                in_time = console.follow(tail, start + self.deadline)
            finally:
                stop(bochs)
                console.close()
        if self.log_path:
            shutil.copy(scratch / "bochs.log", self.log_path.with_suffix(".bochs.log"))
        return launch.Result(
            status(console.records) if in_time else None, console.records, console.bad,
            "\n".join(console.lines) + "\n", time.monotonic() - start, trouble(scratch, in_time),
        )


class Mirror:
    """The other end of a wire of UDP: Bochs sends to the port above the one it receives on, and gets it back."""

    def __init__(self):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        while True:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
            with contextlib.suppress(OSError, OverflowError):
                self.sock.bind(("127.0.0.1", self.port + 1))
                break

    def __enter__(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def serve(self):
        while frame := self.sock.recv(2048):
            self.sock.sendto(frame, ("127.0.0.1", self.port))

    def __exit__(self, *_):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port + 1))


# Bochs' slirp takes five forwardings and says nothing of a sixth.
SLIRP = ((5001, "tcp"), (80, "tcp"), (7, "tcp"), (7, "udp"))


def slirp(ports):
    lines = ["# slirp config"]
    for guest, protocol in SLIRP:
        if guest in ports:
            host = ports[guest]
            lines.append(f"hostfwd = {protocol}:127.0.0.1:{host}-:{guest}")
    return "\n".join(lines) + "\n"


def trouble(scratch, in_time):
    """What Bochs' log says of failed entries and panics; where the CPUs were, when it hung."""
    text = (scratch / "bochs.log").read_text(errors="replace")
    found = [line for line in text.splitlines() if TROUBLE.search(line) and SHUTDOWN not in line]
    if not in_time:
        found += (scratch / "out.txt").read_text(errors="replace").splitlines()[-REGISTER_LINES:]
    return "\n".join(found)


def stop(bochs):
    """Ends it if it still runs: by the debugger, which tells where it was, or else by force."""
    if bochs.poll() is None:
        bochs.send_signal(signal.SIGINT)
        launch.wait(bochs, time.monotonic() + DEBUGGER_SECONDS)
    if bochs.poll() is None:
        bochs.kill()
    bochs.wait()


def status(records):
    """As QEMU's exit device would have made it of the code; 1, which it never makes, without a record that tells."""
    last = records[-1] if records else {}
    return last["code"] << 1 | 1 if last.get("sluice") == "exit" else 1


def main():
    """Boots with the words given and shows the console: tools/bochs.py work=loopback unsafe-no-iommu"""
    try:
        result = Machine(words=["exit=bochs"] + sys.argv[1:], on_line=print).run()
    except LaunchError as error:
        sys.exit(f"bochs: {error}")
    print(f"status {result.status_text()}, {result.seconds:.1f} s {result.stderr.strip()}")
    sys.exit(0 if result.status == launch.STATUS_OK else 1)


if __name__ == "__main__":
    main()

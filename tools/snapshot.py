#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Bochs with the Linux in the middle, saved when it was ready: built once, kept in the cache for every later run.

usage: tools/snapshot.py      builds it if it is not there, and says where it is

The cache is ~/.cache/sluice/vmx-vtd, a folder a key; the key covers whatever goes into a snapshot.
"""

import fcntl
import hashlib
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import time

import middle
from hostside import LaunchError

PACKAGES = ("bochs", "bochs-term", "bochsbios", "vgabios", "qemu-system-x86", "seabios", "busybox-static")
PACKAGES += ("libc6", "python3", "grub-pc-bin")
MEMORY = 512  # MiB; leaves about 300 to QEMU
# The disk that runs bring along. Its geometry and time stamp are part of what is saved.
CYLINDERS, HEADS, SECTORS, BLOCK = 520, 16, 63, 512
DISK_BYTES = CYLINDERS * HEADS * SECTORS * BLOCK
DISK_TIME = 1700000000
READY = "MIDDLE ready"
READY_SECONDS, SAVE_SECONDS = 900, 180
UNUSED_SECONDS = 14 * 86400

# As long as the plugins are loaded in this order, Bochs 2.7 restores each timer to the device it belongs to.
PLUGINS = (
    "voodoo=false, biosdev=true, busmouse=false, iodebug=true, ne2k=false, parallel=false, es1370=false, pcidev=false,"
    " gameport=false, sb16=false, pcipnic=false, e1000=false, extfpuirq=true, speaker=false, serial=true,"
    " unmapped=true, usb_uhci=true"
)
# broadwell_ult: Linux does not come up on tigerlake. Errors are not logged: there are too many.
CONFIG = f"""plugin_ctrl: {PLUGINS}
config_interface: textconfig
display_library: rfb, options="timeout=0,no_gui_console"
memory: guest={MEMORY}, host={MEMORY}
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
boot: cdrom
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata1: enabled=1, ioaddr1=0x170, ioaddr2=0x370, irq=15
ata0-master: type=disk, path=disk.img, mode=volatile, cylinders={CYLINDERS}, heads={HEADS}, spt={SECTORS}, translation=auto
ata1-master: type=cdrom, path="{{iso}}", status=inserted
pci: enabled=1, chipset=i440fx
vga: extension=vbe, update_freq=5, realtime=0
cpu: model=broadwell_ult, count=1, ips=100000000, reset_on_triple_fault=0, ignore_bad_msrs=1
clock: sync=none, time0=946684800, rtc_sync=0
com1: enabled=1, mode=file, dev=linux.txt
com2: enabled=1, mode=file, dev=serial.txt
log: bochs.log
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
magic_break: enabled=0
speaker: enabled=0
sound: waveoutdrv=dummy
"""


def cache():
    folder = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    folder = pathlib.Path(folder) / "sluice/vmx-vtd"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def key(package):
    versions = middle.run("dpkg-query", "-W", "-f", "${Package} ${Version}\n", *PACKAGES)
    parts = [versions, sys.version.encode(), package.name.encode()]
    parts += [pathlib.Path(file).read_bytes() for file in (__file__, middle.__file__, middle.INIT, *middle.PEER)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def get(say=print):
    """The folder of the snapshot, built when it is not there; others who want it meanwhile wait."""
    with open(cache() / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        package = middle.kernel_package(cache())
        folder = cache() / key(package)
        done = folder / "done"
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            remove_unused()
            build(package, folder, say)
        done.touch()
        return folder


def remove_unused():
    for done in cache().glob("*/done"):
        if time.time() - done.stat().st_mtime > UNUSED_SECONDS:
            shutil.rmtree(done.parent)


def build(package, folder, say):
    start = time.monotonic()

    def progress(text):
        say(f"snapshot: {time.monotonic() - start:4.0f} s  {text}")

    progress("packs Linux, QEMU and the peer (once; later runs take it from the cache)")
    middle.make_iso(package, folder / "linux.iso")
    progress("boots it in Bochs, about two minutes")
    boot_alone(folder)
    # A run has no display, and Bochs writes the plugins in another order than it wants to read them.
    config = folder / "state/config"
    lines = config.read_text().splitlines()
    given = {"display_library": "term", "plugin_ctrl": PLUGINS}
    lines = [f"{name}: {given[name]}" if (name := line.partition(":")[0]) in given else line for line in lines]
    config.write_text("\n".join(lines) + "\n")
    shutil.rmtree(folder / "boot")
    progress("saved")


# ---- booting and saving it -----------------------------------------------------------------------


def boot_alone(folder):
    """In a network namespace of its own: Bochs' display listens on all addresses, and asks for no password."""
    alone = ["unshare", "--net"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    child = [sys.executable, "-B", __file__, "--boot", str(folder)]
    script = f'{middle.BUSYBOX} ip link set lo up && exec "$@"'
    middle.run(*alone, "sh", "-c", script, "sh", *child, timeout=READY_SECONDS + SAVE_SECONDS + 60)


def boot(folder):
    work, state = folder / "boot", folder / "state"
    work.mkdir()
    state.mkdir()
    (work / "bochsrc").write_text(CONFIG.format(iso=folder / "linux.iso"))
    (work / "rc").write_text("c\n")
    make_disk(work / "disk.img", b"", b"")
    with open(work / "out.txt", "wb") as out:
        bochs = subprocess.Popen(
            ["bochs-bin", "-q", "-f", "bochsrc", "-rc", "rc"], cwd=work, stdin=subprocess.PIPE, stdout=out,
            stderr=subprocess.STDOUT, env=dict(os.environ, TERM="dumb"),
        )
    try:
        wait_for(bochs, work / "linux.txt", READY, READY_SECONDS)
        press_save(listening_port())
        wait_for(bochs, work / "out.txt", "Enter a path", SAVE_SECONDS)
        bochs.stdin.write(f"{state}\n".encode())
        bochs.stdin.flush()
        wait_for(bochs, work / "out.txt", "Do you want to continue?", SAVE_SECONDS)
    finally:
        bochs.kill()
        bochs.wait()
    said = (work / "linux.txt").read_text(errors="replace")
    if said.count("MIDDLE") > 1:
        raise LaunchError(f"the Linux in the middle is not whole: {said[said.index('MIDDLE'):]}")


def make_disk(path, image, job):
    """image at the start, job in the last blocks."""
    with open(path, "wb") as disk:
        disk.write(image)
        disk.truncate(DISK_BYTES)
        disk.seek(DISK_BYTES - middle.JOB_BYTES)
        disk.write(job)
    os.utime(path, (DISK_TIME, DISK_TIME))


def wait_for(process, path, text, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        ended = process.poll() is not None
        said = path.read_text(errors="replace") if path.exists() else ""
        if text in said:
            return
        if ended:
            raise LaunchError(f"Bochs ended before it said {text!r}; last: {said[-600:]}")
        time.sleep(0.1)
    raise LaunchError(f"Bochs did not come to {text!r} within {seconds} s; last: {said[-600:]}")


def listening_port():
    """Of the display: nothing else listens in this network namespace."""
    for line in pathlib.Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A":
            return int(fields[1].split(":")[1], 16)
    raise LaunchError("Bochs' display does not listen")


def press_save(port):
    """A click on the button that saves, 48 pixels from the right in the bar on top (RFC 6143: RFB, security none)."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as sock, sock.makefile("rb") as stream:
        sock.sendall(stream.read(12))  # the version it offers
        stream.read(4)
        sock.sendall(b"\1")  # shared
        width, _ = struct.unpack(">HH", stream.read(4))
        stream.read(16)
        stream.read(struct.unpack(">I", stream.read(4))[0])
        for buttons in (1, 0):
            sock.sendall(struct.pack(">BBHH", 5, buttons, width - 48, 8))
            time.sleep(0.3)  # Bochs looks at the pointer now and then


def main():
    try:
        if sys.argv[1:2] == ["--boot"]:
            boot(pathlib.Path(sys.argv[2]))
        else:
            print(f"snapshot: {get(lambda text: print(text, flush=True))}")
    except LaunchError as error:
        sys.exit(f"snapshot: {error}")


if __name__ == "__main__":
    main()

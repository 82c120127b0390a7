# SPDX-License-Identifier: MIT
"""The Linux in the middle: a boot ISO of Debian's kernel, its KVM modules, QEMU, busybox and the peer.

Nothing is installed for it: the kernel comes as a package file, checked by apt, and is unpacked in the cache.
"""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from hostside import LaunchError

TOOLS = pathlib.Path(__file__).resolve().parent
INIT = TOOLS / "middle_init.sh"
PEER = [TOOLS / "peer", *sorted(TOOLS.glob("peer_*.py"))]
PYTHON, QEMU, BUSYBOX = "/usr/bin/python3", "/usr/bin/qemu-system-x86_64", "/usr/bin/busybox"
ROMS = ["/usr/share/seabios/bios-256k.bin"]
ROMS += [f"/usr/share/qemu/{name}.bin" for name in ("kvmvapic", "linuxboot_dma", "multiboot_dma", "pvh")]
MODULES = ("sd_mod", "ata_piix", "kvm_intel")
GRUB = "/usr/lib/grub/i386-pc"
JOB_BYTES = 16 * 512  # middle_init.sh's JOB_BLOCKS
WORDS = "console=ttyS0,115200 nokaslr mitigations=off tsc=reliable quiet panic=-1"
CONFIG = f"""set timeout=0
menuentry linux {{
    linux /vmlinuz {WORDS}
    initrd /initrd
    boot
}}
"""


def run(*command, **settings):
    """Its output. LaunchError with its last words where it fails."""
    done = subprocess.run([str(word) for word in command], capture_output=True, check=False, **settings)
    if done.returncode != 0:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-3:]
        raise LaunchError(f"{command[0]} failed: {'; '.join(last)}")
    return done.stdout


# ---- the kernel's package ------------------------------------------------------------------------


def kernel_package(cache):
    """The package file of Debian's kernel, fetched when the cache has none yet."""
    found = sorted(cache.glob("linux-image-*.deb"))
    if found:
        return found[-1]
    try:
        return download(cache)
    except LaunchError:
        update_lists()
        return download(cache)


def download(cache):
    text = run("apt-cache", "depends", "linux-image-amd64").decode()
    name = re.search(r"Depends: (linux-image-\d\S+)", text)
    if not name:
        raise LaunchError("apt knows no linux-image-amd64: is Debian's main archive among its sources?")
    # Into a directory of its own first: what lies in the cache is whole.
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        run("apt-get", "-q", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=3", "download", name.group(1),
            cwd=folder, timeout=600)
        file = next(pathlib.Path(folder).glob("*.deb"))
        return file.rename(cache / file.name)


def update_lists():
    """Old lists name versions that the mirror no longer has."""
    as_root = [] if os.geteuid() == 0 else ["sudo"]
    run(*as_root, "apt-get", "-q", "update", timeout=600)


# ---- the root file system ------------------------------------------------------------------------


def copy(file, root, to=None):
    target = root / (to or str(file).lstrip("/"))
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(file, target)


def copy_program(file, root):
    """With the libraries that it is linked with; all have the path they have here, since that is where they look."""
    copy(file, root)
    for library in re.findall(r"(/\S+) \(0x", run("ldd", file).decode()):
        copy(library, root)


def copy_python(root):
    """The interpreter, and of its library what the peer loads."""
    copy_program(os.path.realpath(PYTHON), root)
    (root / "usr/bin/python3").symlink_to(os.path.basename(os.path.realpath(PYTHON)))
    ask = f"""import encodings.ascii, encodings.idna, encodings.latin_1, runpy, sys
runpy.run_path({str(PEER[0])!r})
for module in list(sys.modules.values()):
    print(getattr(module, "__file__", None) or "", getattr(module, "__cached__", None) or "", sep="\\n")
"""
    for name in run(PYTHON, "-S", "-c", ask).decode().split():
        if name.startswith("/usr/lib") and os.path.exists(name):
            (copy_program if name.endswith(".so") else copy)(name, root)
    for file in PEER:
        copy(file, root, f"tools/{file.name}")


def copy_modules(kernel, root):
    """The kernel modules of MODULES, and those they need, in the order to load them."""
    files = {path.stem.replace("-", "_"): path for path in kernel.glob("lib/modules/*/kernel/**/*.ko")}
    order = []

    def add(name):
        path = files[name.replace("-", "_")]
        needs = re.search(rb"\0depends=([^\0]*)\0", path.read_bytes())
        for need in filter(None, needs.group(1).decode().split(",") if needs else []):
            add(need)
        if path not in order:
            order.append(path)

    for name in MODULES:
        add(name)
    for path in order:
        copy(path, root, f"modules/{path.name}")
        run("strip", "--strip-debug", root / "modules" / path.name)
    (root / "modules/order").write_text("".join(f"{path.name}\n" for path in order))


def make_root(root, kernel):
    for name in ("dev", "proc", "sys", "tmp", "bin"):
        (root / name).mkdir(parents=True)
    if "not a dynamic" not in subprocess.run(["ldd", BUSYBOX], capture_output=True, text=True, check=False).stderr:
        raise LaunchError("busybox is linked with libraries: install busybox-static (tools/setup test)")
    copy(BUSYBOX, root, "bin/busybox")
    (root / "bin/sh").symlink_to("busybox")
    copy_program(QEMU, root)
    for rom in ROMS:
        copy(os.path.realpath(rom), root, f"usr/share/qemu/{os.path.basename(rom)}")
    copy_python(root)
    copy_modules(kernel, root)
    copy(INIT, root, "init")
    (root / "init").chmod(0o755)


def pack(root, to):
    names = [str(path.relative_to(root)) for path in sorted(root.rglob("*"))]
    to.write_bytes(run(BUSYBOX, "cpio", "-o", "-H", "newc", "-R", "0:0", cwd=root, input="\n".join(names).encode()))


def make_iso(package, output):
    with tempfile.TemporaryDirectory(dir=output.parent) as folder:
        kernel, root, tree = (pathlib.Path(folder) / name for name in ("kernel", "root", "tree"))
        run("dpkg", "-x", package, kernel)
        make_root(root, kernel)
        (tree / "boot/grub").mkdir(parents=True)
        (tree / "boot/grub/grub.cfg").write_text(CONFIG)
        shutil.copy(next(kernel.glob("boot/vmlinuz-*")), tree / "vmlinuz")
        pack(root, tree / "initrd")
        run("grub-mkrescue", "-d", GRUB, "--install-modules=normal linux biosdisk iso9660 part_msdos", "--locales=",
            "--fonts=", "--themes=", "--compress=no", "-o", output, tree)

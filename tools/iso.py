# SPDX-License-Identifier: MIT
"""GRUB ISOs small enough to make one a boot: only the modules that are used, no fonts, locales or themes."""

import pathlib
import shutil
import subprocess
import sys
import tempfile

PLATFORMS = {
    "bios": ("/usr/lib/grub/i386-pc", "normal multiboot2 biosdisk iso9660 part_msdos"),
    "efi": ("/usr/lib/grub/x86_64-efi", "normal multiboot2 iso9660 part_msdos part_gpt"),
}

CONFIG = """set timeout=0
menuentry sluice {{
    multiboot2 /sluice.elf32 {words}
    {modules}
    boot
}}
"""


def make(output, platform, image, modules, words):
    """An ISO that boots image at once with these command-line words and modules, in order."""
    folder, grub_modules = PLATFORMS[platform]
    if not pathlib.Path(folder).is_dir():
        raise FileNotFoundError(f"{folder} is not there: run tools/setup run")
    with tempfile.TemporaryDirectory() as tree:
        root = pathlib.Path(tree)
        (root / "boot/grub").mkdir(parents=True)
        shutil.copy(image, root / "sluice.elf32")
        lines = []
        for i, module in enumerate(modules):
            shutil.copy(module, root / f"module{i}")
            lines.append(f"module2 /module{i} {pathlib.Path(module).name}")
        quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
        (root / "boot/grub/grub.cfg").write_text(
            CONFIG.format(words=quoted, modules="\n    ".join(lines))
        )
        command = ["grub-mkrescue", "-d", folder, f"--install-modules={grub_modules}"]
        command += ["--locales=", "--fonts=", "--themes=", "--compress=no"]
        command += ["-o", str(output), str(root)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"grub-mkrescue failed: {done.stderr.strip().splitlines()[-1:]}")


def main():
    """tools/iso.py bios|efi OUTPUT IMAGE MODULE [WORD...]"""
    platform, output, image, module, *words = sys.argv[1:]
    make(output, platform, image, [module], words)
    print(f"iso      {output}, {pathlib.Path(output).stat().st_size >> 10} KiB")


if __name__ == "__main__":
    main()

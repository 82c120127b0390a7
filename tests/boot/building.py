# SPDX-License-Identifier: MIT
"""The images that tests boot, and what a boot leaves for a person to read; for tests/boot, tests/bochs and tests/stack."""

import fcntl
import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

BUILD = (ROOT / os.environ.get("SLUICE_BUILD", "build")).resolve()


def make(*arguments):
    """One make at a time: pytest may run in several processes."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with open(BUILD / "tests.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(
            ["make", "--no-print-directory", "-j2", *arguments],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )
    if done.returncode != 0:
        pytest.fail(f"make {' '.join(arguments)} failed:\n{done.stdout[-1500:]}", pytrace=False)


def relative(path):
    """make's BUILD= is relative to the source tree where it can be."""
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


@pytest.fixture(scope="session")
def build():
    make(f"BUILD={relative(BUILD)}", "all")
    return BUILD


@pytest.fixture
def broken_build(build):
    """A build with one function replaced: broken_build("name", "function", "source", further words for make)."""

    def builder(name, functions, source, *further):
        folder = build / f"break-{name}"
        words = functions if isinstance(functions, str) else " ".join(functions)
        make(f"BUILD={relative(folder)}", f"WRAP={words}", f"WRAP_SRC=tests/boot/{source}",
             *further, f"{relative(folder)}/sluice.elf32")
        return folder

    return builder


def booter(build, request, folder, machine_type, always):
    """boot(words, ...): runs a machine of this type with these words added. Its console stays in the build's folder and
    in a failing test's report."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", request.node.name)[:100]
    count = 0

    def boot(words, **settings):
        nonlocal count
        count += 1
        settings.setdefault("build", build)
        settings.setdefault("log_path", BUILD / folder / f"{name}.{count}.log")
        if settings["build"] != build and "modules" not in settings:
            settings["modules"] = [build / "guest.elf"]
        result = machine_type(words=[*always, *words], **settings).run()
        print(f"--- {' '.join(words)}\n{result.log}--- status {result.status_text()}, "
              f"{result.seconds:.1f} s {result.stderr}")
        return result

    return boot

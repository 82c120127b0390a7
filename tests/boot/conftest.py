# SPDX-License-Identifier: MIT
"""One boot a case: `boot(words, ...)` runs a machine and gives its status, records and log."""

import contextlib
import fcntl
import os
import pathlib
import re
import socket
import subprocess
import sys
import threading

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import launch  # noqa: E402

BUILD = (ROOT / os.environ.get("SLUICE_BUILD", "build")).resolve()
LOGS = BUILD / "boot-tests"


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


@pytest.fixture(scope="session")
def build():
    make(f"BUILD={relative(BUILD)}", "all")
    return BUILD


def relative(path):
    """make's BUILD= is relative to the source tree where it can be."""
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


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


@pytest.fixture
def boot(build, request):
    """Runs a machine; its console stays in the build's boot-tests folder and in a failing test's report."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", request.node.name)[:100]
    count = 0

    def runner(words, **settings):
        nonlocal count
        count += 1
        settings.setdefault("build", build)
        settings.setdefault("deadline", 60)
        if settings["build"] != build and "modules" not in settings:
            settings["modules"] = [build / "guest.elf"]
        machine = launch.Machine(
            words=["exit=qemu", *words], log_path=LOGS / f"{name}.{count}.log", **settings
        )
        result = machine.run()
        print(f"--- {' '.join(words)}\n{result.log}--- status {result.status_text()}, "
              f"{result.seconds:.1f} s {result.stderr}")
        return result

    return runner


class Flood:
    """Sends datagrams to the guest from the moment it says a word on, so that its NIC has something to receive after its
    end. Not before: what comes in while nobody polls fills the ring, and a full ring receives nothing."""

    def __init__(self):
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.send, daemon=True)
        self.port = None

    def settings(self, word):
        """For boot()."""
        return {"on_ports": self.keep, "on_line": lambda line: self.look(line, word)}

    def keep(self, ports):
        self.port = ports[7]

    def look(self, line, word):
        if word in line and not self.thread.is_alive():
            self.thread.start()

    def send(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            while not self.stop.wait(0.001):
                with contextlib.suppress(ConnectionRefusedError):  # QEMU has ended
                    sock.sendto(b"flood", ("127.0.0.1", self.port))

    def close(self):
        self.stop.set()
        if self.thread.is_alive():
            self.thread.join()


@pytest.fixture
def flood():
    one = Flood()
    yield one
    one.close()

# SPDX-License-Identifier: MIT
"""One boot a case: `boot(words, ...)` runs a machine and gives its status, records and log."""

import contextlib
import socket
import threading

import pytest

from building import booter, broken_build, build  # noqa: F401
import launch


@pytest.fixture
def boot(build, request):
    return booter(build, request, "boot-tests", launch.Machine, ["exit=qemu"])


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

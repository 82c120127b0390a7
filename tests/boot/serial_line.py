# SPDX-License-Identifier: MIT
"""A machine whose serial line somebody types on: QEMU with its stdin and stdout as the line."""

import os
import pathlib
import select
import subprocess
import tempfile
import time

import records

PROMPT = b"sluice> "
SECONDS = 60


class Line:
    """QEMU under a deadline; said holds everything that came, as it came."""

    def __init__(self, machine):
        self.scratch = tempfile.TemporaryDirectory(prefix="sluice-")
        command = machine.command(machine.words, {}, pathlib.Path(self.scratch.name))
        self.qemu = subprocess.Popen(
            ["timeout", "-k", "2", str(machine.deadline), *command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
        )
        self.said = b""

    def read(self, seconds):
        """What comes within so many seconds; b"" for nothing or the end."""
        ready, _, _ = select.select([self.qemu.stdout], [], [], max(0, seconds))
        data = os.read(self.qemu.stdout.fileno(), 1 << 16) if ready else b""
        self.said += data
        return data

    def wait_for(self, what, begin=0, seconds=SECONDS):
        """Until what has come behind begin; returns what came up to there."""
        until = time.monotonic() + seconds
        while (at := self.said.find(what, begin)) < 0:
            if not self.read(until - time.monotonic()):
                raise AssertionError(f"no {what!r} in {seconds} s, but {self.said[begin:][-600:]!r}")
        return self.said[begin:at]

    def type(self, data):
        """In pieces that fit into a UART, as fast as they are taken."""
        self.qemu.stdin.write(data)

    def ask(self, command, seconds=SECONDS):
        """The command's answer, without its echo."""
        begin = len(self.said)
        self.type(command.encode() + b"\r")
        echo = self.wait_for(b"\n", begin)
        text = self.wait_for(PROMPT, begin + len(echo), seconds)
        return "\n".join(records.clean(line) for line in text.decode().split("\n")).strip()

    def ready(self):
        self.wait_for(PROMPT)
        return self

    def end(self):
        """QEMU's status."""
        while self.read(SECONDS):
            pass
        return self.qemu.wait(SECONDS)

    def close(self):
        self.qemu.terminate()
        self.qemu.wait(5)
        self.qemu.stdin.close()
        self.qemu.stdout.close()
        self.scratch.cleanup()

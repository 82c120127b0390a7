# SPDX-License-Identifier: MIT
"""Where a machine's console comes from: a serial port, a socket that carries one, or a log of one."""

import os
import select
import socket
import stat
import termios
import tty


class SourceError(Exception):
    """It cannot be opened; the text says why."""


class Live:
    """A line that can be written to."""

    def __init__(self, descriptor, keep=None):
        self.descriptor = descriptor
        self.keep = keep  # a socket must not be collected as garbage

    def read(self, seconds):
        """What comes within so many seconds; b"" for nothing, None at the end of the line."""
        ready, _, _ = select.select([self.descriptor], [], [], seconds)
        if not ready:
            return b""
        try:
            return os.read(self.descriptor, 1 << 16) or None
        except OSError:  # a pty whose other end is gone
            return None

    def write(self, data):
        while data:
            data = data[os.write(self.descriptor, data):]


def set_up(descriptor, baud):
    """Raw bytes, 8n1, no flow control, as com1= has it by default."""
    speed = getattr(termios, f"B{baud}", None)
    if speed is None:
        raise SourceError(f"--baud {baud}: no rate that a serial port of this system has")
    tty.setraw(descriptor)
    fields = termios.tcgetattr(descriptor)
    fields[2] = (fields[2] | termios.CLOCAL | termios.CREAD) & ~(termios.CRTSCTS | termios.CSTOPB)
    fields[4] = fields[5] = speed
    termios.tcsetattr(descriptor, termios.TCSANOW, fields)


def open_socket(source):
    kind, _, address = source.partition(":")
    try:
        if kind == "unix":
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(address)
        else:
            host, _, port = address.rpartition(":")
            sock = socket.create_connection((host, int(port)), timeout=10)
            sock.settimeout(None)
    except (OSError, ValueError) as error:
        raise SourceError(f"{source}: {error}") from None
    return Live(sock.fileno(), sock)


def open_source(source, baud):
    """A Live line, or None where source is a file, which cannot be asked."""
    if source.startswith(("unix:", "tcp:")):
        return open_socket(source)
    try:
        if not stat.S_ISCHR(os.stat(source).st_mode):
            return None
        descriptor = os.open(source, os.O_RDWR | os.O_NOCTTY)
        set_up(descriptor, baud)
    except (OSError, termios.error) as error:
        raise SourceError(f"{source}: {error}") from None
    return Live(descriptor)

# SPDX-License-Identifier: MIT
"""The host's end of QEMU's user network: forwarded ports, and a peer of our own on a free one."""

import pathlib
import socket
import subprocess

PEER = pathlib.Path(__file__).resolve().parent / "peer"
# Ports the guest's workloads listen on, each behind a forwarded host port.
GUEST_PORTS = {5001: ("tcp", "udp"), 11211: ("tcp",), 80: ("tcp",), 7: ("tcp", "udp")}


class LaunchError(Exception):
    """The machine could not even start; the text says what to do."""


class Peer:
    """tools/peer on a free loopback port, ended with the machine."""

    def __init__(self, ports, seconds=60, traces=None):
        mapping = ",".join(f"{guest}={host}" for guest, host in ports.items())
        self.process = subprocess.Popen(
            [str(PEER), "--listen", "127.0.0.1:0", "--map", mapping, "--quiet"]
            + ["--seconds", str(seconds)] + (["--traces", str(traces)] if traces else []),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        line = self.process.stdout.readline().decode()
        if not line.startswith("listening "):
            self.stop()
            raise LaunchError("tools/peer did not start")
        self.port = int(line.rsplit(":", 1)[1])

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def with_peer(words, port):
    """The user network reaches the host's loopback as 10.0.2.2."""
    address = f"peer=10.0.2.2:{port}"
    given = [word for word in words if word.startswith("guest=")]
    others = [word for word in words if not word.startswith("guest=")]
    values = [word.removeprefix("guest=") for word in given]
    return others + ["guest=" + ",".join([address] + values)]


def free_ports():
    """A host port for each guest port, free for the protocols it needs. All held open while choosing, so they differ."""
    held, ports = [], {}
    try:
        for guest, protocols in GUEST_PORTS.items():
            ports[guest] = free_port(protocols, held)
    finally:
        for sock in held:
            sock.close()
    return ports


def free_port(protocols, held):
    for _ in range(100):
        port = bind(held, "tcp", 0)
        if all(protocol == "tcp" or bind(held, protocol, port) for protocol in protocols):
            return port
    raise LaunchError("no host port is free for TCP and UDP at once")


def bind(held, protocol, port):
    kind = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}[protocol]
    sock = socket.socket(socket.AF_INET, kind)
    held.append(sock)
    try:
        sock.bind(("127.0.0.1", port))
    except OSError:
        return 0
    return sock.getsockname()[1]

# SPDX-License-Identifier: MIT
"""UDP floods both ways: each datagram is received or counted as lost, and only a flood, or a full buffer, loses any."""

import contextlib
import socket
import struct
import threading

import pytest

import expect

PATIENT = {"deadline": 240}  # several cases, and a machine that does other things as well
SIZES = (64, 1472)


class Drops:
    """What the host's kernel has dropped so far for want of room in the socket that QEMU forwards to the guest's port:
    a QEMU that waits for a CPU doesn't read it. One number for each result."""

    def __init__(self):
        self.port = None
        self.seen = []

    def settings(self):
        return {"on_ports": lambda ports: setattr(self, "port", ports[5001]), "on_record": self.look}

    def look(self, record):
        if record["sluice"] == "result":
            self.seen.append(self.now())

    def now(self):
        with open("/proc/net/udp", encoding="ascii") as lines:
            fields = [line.split() for line in lines.readlines()[1:]]
        return sum(int(line[-1]) for line in fields if int(line[1].rsplit(":", 1)[1], 16) == self.port)

    def each(self):
        return [now - before for before, now in zip([0, *self.seen], self.seen)]


def figures(case):
    """Each datagram has to be in them."""
    one = case.result["figures"]
    assert one["sent"] == one["received"] + one["lost"], case.args
    assert one["received"] > 0
    moved = one["received"] if case.work == "udp_rx" else one["sent"]
    assert 0 < case.result["bytes"] < moved * one["msg"]
    assert case.result["bytes"] % one["msg"] == 0
    assert case.result["packets"] >= case.result["bytes"] // one["msg"]
    return one


@pytest.mark.parametrize("work", ("udp_rx", "udp_tx"))
def test_strategies(boot, work):
    works = [f"{work}:msg={size}" for size in SIZES]
    words = [f"work={','.join(works)}", "strategy=none,on-demand,single-use", "quota=none,w50%", "unsafe-dma"]
    result = boot([*words, "guest=load=1"], **PATIENT)
    ran = expect.held(result, 8)
    expect.no_faults(result)
    assert [figures(case)["msg"] for case in ran] == [64] * 4 + [1472] * 4
    for case in ran:
        strategy = case.result["strategy"]
        if strategy == "none":
            assert case.result["hypercalls"] == case.result["exits"] == 0
        if strategy == "single-use":
            assert case.result["misses"] == case.result["maps"] > case.result["packets"] / 2
    full, tight = (case.result for case in ran if case.result["strategy"] == "on-demand" and "1472" in case.args)
    assert full["evictions"] == 0
    assert tight["evictions"] > 0 and tight["resident_peak"] <= tight["quota"]


def test_a_modest_rate_is_received_without_loss(boot):
    works = ("udp_rx:rate=20", "udp_rx:rate=2:msg=64", "udp_rx:rate=20")
    drops = Drops()
    result = boot([f"work={','.join(works)}", "quota=50%", "guest=load=2"], **PATIENT, **drops.settings())
    ran = [figures(case) for case in expect.held(result, 3)]
    assert [one["lost"] for one in ran] == drops.each()
    assert 0 in [one["lost"] for one in ran]
    assert [one["out_of_order"] for one in ran] == [0, 0, 0]
    # Of 2 s and 20 or 2 Mbit/s.
    for one, wanted in zip(ran, (3397, 7812, 3397)):
        assert 0.8 * wanted < one["sent"] < 1.02 * wanted


def test_a_modest_rate_is_sent_without_loss(boot):
    works = ("udp_tx:rate=4", "udp_tx:rate=20", "udp_tx:rate=20", "udp_tx:rate=1:msg=64")
    result = boot([f"work={','.join(works)}", "quota=50%", "guest=load=2", "irq=msi"], **PATIENT)
    ran = [figures(case) for case in expect.held(result, 4)]
    assert ran[0]["lost"] == ran[3]["lost"] == 0
    assert 0 in (ran[1]["lost"], ran[2]["lost"])
    for one, wanted in zip(ran, (679, 3397, 3397, 3906)):
        assert 0.5 * wanted < one["sent"] <= wanted + 1


def test_a_flood_loses_what_is_counted(boot):
    """The host sends far more than QEMU takes in."""
    drops = Drops()
    works = ",".join(f"udp_rx:msg={size}" for size in (18, *SIZES))
    result = boot([f"work={works}", "quota=50%", "guest=load=1"], **PATIENT, **drops.settings())
    for case, dropped in zip(expect.held(result, 3), drops.each()):
        assert figures(case)["lost"] >= 0.9 * dropped > 0


class Strangers:
    """From the guest's start on, datagrams that are none of iperf's: short ones, numbers that are none, foreign ends."""

    BAD = (b"", b"x", bytes(15), bytes(16), struct.pack(">iIIi", 1, 0, 0, 1 << 30), b"\x80" * 1472,
           struct.pack(">iIIi", 0, 0, 0, -(1 << 31)), struct.pack(">iIIi", -5, 0, 0, -1))

    def __init__(self):
        self.stop = threading.Event()
        self.thread = None

    def begin(self, ports):
        self.thread = threading.Thread(target=self.send, args=(ports[5001],), daemon=True)
        self.thread.start()

    def send(self, port):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            while not self.stop.wait(0.02):
                for data in self.BAD:
                    with contextlib.suppress(ConnectionRefusedError):
                        sock.sendto(data, ("127.0.0.1", port))

    def end(self):
        self.stop.set()
        self.thread.join()


def test_strangers_count_for_nothing(boot):
    strangers = Strangers()
    try:
        result = boot(["work=udp_rx:rate=4:msg=512", "quota=50%", "guest=load=2"], on_ports=strangers.begin, **PATIENT)
    finally:
        strangers.end()
    (case,) = expect.held(result, 1)
    one = figures(case)
    assert one["out_of_order"] == 0
    assert 0.8 * 1953 < one["sent"] < 1.02 * 1953
    dropped = int(expect.line_with(result, "datagrams dropped that were not iperf's").split("udp_rx: ")[1].split()[0])
    assert dropped > 100


def test_what_does_not_fit_is_said(boot):
    bad = {
        "udp_rx:msg=17": "udp_rx: msg=17: 18 to 1472 bytes",
        "udp_tx:msg=1473": "udp_tx: msg=1473: 18 to 1472 bytes",
        "udp_tx:rate=100001": "udp_tx: rate=100001: 1 to 100000 Mbit/s",
        "udp_rx:load=0": "udp_rx: load=0: 1 to 3600 seconds",
        "udp_tx:load=3000": "give the peer more",
        "udp_rx:load=3000": "give the peer more",
    }
    result = boot([f"work={','.join(bad)}"], **PATIENT)
    assert [case.end["status"] for case in expect.failed(result)] == [1] * len(bad)
    for reason in bad.values():
        expect.line_with(result, reason)

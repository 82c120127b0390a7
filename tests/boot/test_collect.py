# SPDX-License-Identifier: MIT
"""tools/collect over a serial line that loses and flips bytes both ways, and from a log."""

import csv
import os
import random
import select
import socket
import subprocess
import threading

import pytest

from building import ROOT
import gather
import launch
import records
import serial_line

WORDS = ["exit=qemu", "shell", "work=loopback", "strategy=direct,on-demand", "quota=none,w50%"]
WORDS += ["policy=fifo,clock,sieve,adaptive", "guest=frames=200"]
CASES = 9


class Relay:
    """Between the machine and whoever collects: one byte in so many is dropped, one in so many has a bit flipped."""

    def __init__(self, machine, near, drop, flip):
        self.line = serial_line.Line(machine)
        self.near = near  # a descriptor
        self.drop, self.flip = drop, flip
        self.random = random.Random(7)
        self.damages = 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def damage(self, data):
        out = bytearray()
        for byte in data:
            chance = self.random.random()
            if self.drop and chance < 1 / self.drop:
                self.damages += 1
                continue
            if self.flip and chance > 1 - 1 / self.flip:
                self.damages += 1
                byte ^= 1 << self.random.randrange(8)
            out.append(byte)
        return bytes(out)

    def run(self):
        while self.line.qemu.poll() is None and not self.stop.is_set():
            if data := self.line.read(0.01):
                os.write(self.near, self.damage(data))
            if select.select([self.near], [], [], 0)[0]:
                self.line.type(self.damage(os.read(self.near, 64)))

    def sent(self):
        """The records as the machine printed them, before the relay spoiled any; not the one about its leaving."""
        found = {}
        for raw in self.line.said.decode().split("\n")[:-1]:  # it may be answering still
            record = records.parse(records.clean(raw))
            if record and "seq" in record and record["sluice"] != "exit":
                found[record["seq"]] = records.RECORD.search(records.clean(raw)).group(0)
        return "".join(found[seq] + "\n" for seq in sorted(found))

    def close(self):
        self.stop.set()
        self.thread.join()
        self.line.close()
        os.close(self.near)


@pytest.fixture
def relay(build):
    relays = []

    def start(near, drop, flip):
        machine = launch.Machine(words=WORDS, build=build, peer=False, network="none", deadline=150)
        relays.append(Relay(machine, near, drop, flip))
        return relays[-1]

    yield start
    for one in relays:
        one.close()


def collect(*arguments):
    return subprocess.run(
        [ROOT / "tools/collect", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=150, check=False,
    )


def pty():
    """A raw terminal: the relay's end, and the name of the other."""
    near, far = os.openpty()
    return near, os.ttyname(far), far


def check_files(folder, sent):
    assert (folder / "results.jsonl").read_text() == sent
    rows = list(csv.DictReader((folder / "results.csv").open()))
    assert [int(row["case"]) for row in rows] == list(range(1, CASES + 1))
    for row in rows:
        assert row["workload"] == "loopback" and row["end"] == "exit" and int(row["packets"]) == 400
        for key in ("commit", "cpu", "firmware", "firmware_vendor", "tsc_hz", "cap", "ecap", "seed"):
            assert row[key], key
    assert rows[1]["asked_policy"] == "fifo" and rows[0]["asked_policy"] == ""


def test_a_clean_line(relay, tmp_path):
    near, name, _ = pty()
    one = relay(near, 0, 0)
    done = collect("--out", tmp_path, "--exit", name)
    assert done.returncode == 0, done.stderr
    check_files(tmp_path, one.sent())
    assert "asking for records" not in done.stdout
    assert one.line.qemu.wait(20) == launch.STATUS_OK


def test_a_lossy_line(relay, tmp_path):
    near, name, _ = pty()
    one = relay(near, 3000, 3000)  # about half of the records come damaged
    done = collect("--out", tmp_path, name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert one.damages > 0
    assert "asking for records" in done.stdout
    check_files(tmp_path, one.sent())


def test_a_socket(relay, tmp_path):
    path = tmp_path / "console"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(1)
        accepted = []
        thread = threading.Thread(target=lambda: accepted.append(server.accept()[0].detach()))
        thread.start()
        client = subprocess.Popen(
            [ROOT / "tools/collect", "--out", tmp_path, "--quiet", f"unix:{path}"], stdout=subprocess.PIPE
        )
        thread.join(30)
        one = relay(accepted[0], 12000, 0)
        assert client.wait(150) == 0
        client.stdout.close()
    check_files(tmp_path, one.sent())


def test_a_line_that_is_too_bad(relay, tmp_path):
    near, name, _ = pty()
    relay(near, 150, 150)
    done = collect("--out", tmp_path, "--tries", "4", name)
    assert done.returncode == 1
    assert "the line is too bad" in done.stderr
    assert "missing of" in done.stderr or "not one whole record" in done.stderr
    assert not (tmp_path / "results.jsonl").exists()


def test_a_silent_line(tmp_path):
    _, name, far = pty()
    done = collect("--silence", "2", "--out", tmp_path, name)
    os.close(far)
    assert done.returncode == 1 and "nothing came for 2" in done.stderr


def test_a_log(boot, tmp_path):
    words = [word for word in WORDS if word not in ("shell", "exit=qemu")]
    result = boot(words, peer=False, network="none", log_path=tmp_path / "log")
    assert result.status == launch.STATUS_OK
    done = collect("--out", tmp_path, tmp_path / "log")
    assert done.returncode == 0, done.stderr
    sent = "".join(line + "\n" for line in result.log.splitlines() if line.startswith('{"sluice"'))
    check_files(tmp_path, sent)


def test_a_log_with_a_hole(boot, tmp_path):
    result = boot(["work=idle", "guest=ms=20"], peer=False, network="none")
    lines = result.log.splitlines()
    holed = [line for line in lines if '"seq":3,' not in line]
    (tmp_path / "log").write_text("\n".join(holed).replace('"seq":5,', '"seq":6,'))
    done = collect("--out", tmp_path / "out", tmp_path / "log")
    assert done.returncode == 1
    assert "missing of 7: 3, 5" in done.stderr and "1 damaged" in done.stderr
    (tmp_path / "log").write_text("\n".join(lines[:-1]))
    done = collect("--out", tmp_path / "out", tmp_path / "log")
    assert done.returncode == 1 and "no exit record" in done.stderr


class Forgetful:
    """A shell that answers, and no longer has, or never prints, what it is asked for."""

    def __init__(self, first):
        self.first = first
        self.waiting = [records.seal({"sluice": "case", "seq": 1}), records.seal({"sluice": "case", "seq": 4})]

    def read(self, _):
        return (self.waiting.pop(0) + "\n").encode() if self.waiting else b""

    def write(self, data):
        assert data == b"\x15results 2 3\r"
        self.waiting.append(records.seal({"sluice": "kept", "first": self.first, "last": 4}))


@pytest.mark.parametrize("first,why", ((3, "keeps no records before 3"), (1, "3 requests brought nothing")))
def test_what_cannot_be_had_ends(first, why):
    with pytest.raises(gather.GatherError, match=f"{why}.*missing of 4: 2-3"):
        gather.Gatherer(Forgetful(first), 3, 60, lambda text: None).run()


def test_a_restart_begins_anew():
    boot = gather.Boot()
    boot.take("".join(records.seal({"sluice": "boot", "seq": n, "run": 1}) + "\n" for n in (1, 2, 3)).encode())
    boot.take((records.seal({"sluice": "boot", "seq": 1, "run": 2}) + "\n").encode())
    assert list(boot.lines) == [1] and boot.missing() == []


def test_no_such_source(tmp_path):
    for source in (tmp_path / "none", "tcp:127.0.0.1:1", "unix:/nowhere"):
        done = collect(source)
        assert done.returncode == 1 and done.stderr.startswith("collect: ")

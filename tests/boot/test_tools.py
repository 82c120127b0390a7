# SPDX-License-Identifier: MIT
"""The peer against a guest that is played here over loopback: it passes what is right, and catches what is not."""

import contextlib
import http.server
import socket
import struct
import subprocess
import threading

import pytest

from building import ROOT

import console
import peer_checks
import peer_http
import records
import iso

PATTERN = peer_checks.PATTERN
MIB = 1 << 20


def serve(handler):
    """A listening port on which each connection is given to handler."""
    listener = socket.create_server(("127.0.0.1", 0))

    def loop():
        with contextlib.suppress(OSError):
            while True:
                sock, _ = listener.accept()
                threading.Thread(target=guarded, args=(handler, sock), daemon=True).start()

    threading.Thread(target=loop, daemon=True).start()
    return listener.getsockname()[1]


def guarded(handler, sock):
    with sock, contextlib.suppress(OSError):
        handler(sock)


def sink(sock):
    while sock.recv(1 << 18):
        pass


def echo(sock):
    while data := sock.recv(1 << 16):
        sock.sendall(data)


def bad_echo(sock):
    count = 0
    while data := bytearray(sock.recv(1 << 16)):
        if count <= 100000 < count + len(data):
            data[100000 - count] ^= 0x80
        count += len(data)
        sock.sendall(data)


def web(bodies):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = bodies.get(self.path)
            self.send_response(200 if body else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def udp(change):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))

    def loop():
        while True:
            data, address = sock.recvfrom(65536)
            if answer := change(data):
                sock.sendto(answer, address)

    threading.Thread(target=loop, daemon=True).start()
    return sock.getsockname()[1]


class Guest:
    """Speaks the guest's side of the protocol."""

    def __init__(self, ports):
        mapping = ",".join(f"{guest}={host}" for guest, host in ports.items())
        self.peer = subprocess.Popen(
            [ROOT / "tools/peer", "--listen", "127.0.0.1:0", "--map", mapping, "--quiet"],
            stdout=subprocess.PIPE, text=True,
        )
        port = int(self.peer.stdout.readline().rsplit(":", 1)[1])
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.file = self.sock.makefile("rw")

    def ask(self, line):
        self.file.write(line + "\n")
        self.file.flush()
        return self.file.readline().strip()

    def run(self, line, then=None):
        """The closing line of a program; then(port) does the guest's part."""
        started = self.ask(line)
        assert started.startswith("started"), started
        if then:
            then(int(started.rsplit("=", 1)[1]))
        return self.file.readline().strip()

    def close(self):
        self.file.close()
        self.sock.close()
        self.peer.terminate()
        self.peer.wait(5)
        self.peer.stdout.close()


@pytest.fixture
def guest():
    guests = []

    def maker(**ports):
        guests.append(Guest({int(name[1:]): port for name, port in ports.items()}))
        return guests[-1]

    yield maker
    for one in guests:
        one.close()


def sender(data):
    def send(port):
        with socket.create_connection(("127.0.0.1", port)) as sock:
            with contextlib.suppress(OSError):  # the peer hangs up on the first wrong byte
                sock.sendall(data)

    return send


def test_pattern():
    word = (12345 * 0x9E3779B1) & 0xFFFFFFFF
    assert len(PATTERN) == 4 * MIB
    assert PATTERN[4 * 12345 : 4 * 12346] == word.to_bytes(4, "little")
    assert bytes(peer_checks.pattern_at(4 * MIB - 2, 4)) == PATTERN[-2:] + PATTERN[:2]


def test_iperf_both_ways(guest):
    one = guest(p5001=serve(sink))
    assert one.run(f"start iperf_send port=5001 bytes={8 * MIB}").startswith("done 0 ")
    line = f"start iperf_receive bytes={4 * MIB}"
    assert one.run(line, sender(bytes(4 * MIB))).startswith("done 0 ")
    assert one.run(line, sender(bytes(3 * MIB))).startswith("done 1 iperf received")


def datagram(number, size):
    """iperf's: number, seconds, microseconds, upper half of number."""
    return struct.pack(">iIIi", (number & 0xFFFFFFFF) - (number & 0x80000000) * 2, 0, 0, number >> 32).ljust(size, b"x")


def flooder(numbers, size):
    """Sends datagrams of these numbers, then the last one until iperf answers or is gone: to some it says nothing."""
    def send(port):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect(("127.0.0.1", port))
            sock.settimeout(0.25)
            for number in numbers:
                sock.send(datagram(number, size))
            for _ in range(40):
                sock.send(datagram(-max(numbers) - 1, size))
                with contextlib.suppress(TimeoutError):
                    with contextlib.suppress(ConnectionRefusedError):
                        sock.recv(2000)
                    return
            raise AssertionError("iperf neither answered nor ended")

    return send


@pytest.mark.parametrize("size", (18, 64, 1472))
def test_udp_receive(guest, size):
    line = f"start udp_receive msg={size} load=1"
    # 3 and 4 never come, 7 comes late.
    answer = guest().run(line, flooder([1, 2, 5, 6, 8, 9, 7, 10], size))
    assert answer == f"done 0 iperf received=8 lost=2 out_of_order=1 bytes={8 * size}"


def test_udp_send(guest):
    """The guest's answer has to come, and is handed on."""
    def answer(data):
        last = struct.unpack(">i", data[:4])[0] < 0
        return last and bytes(16) + struct.pack(">10I", 1 << 31, 0, 5000, 1, 0, 7, 0, 99, 0, 0)

    one = guest(p5001=udp(answer), p5002=udp(lambda data: None))
    line = "start udp_send msg=64 rate=1 load=1 port="
    assert one.run(line + "5001") == "done 0 iperf was told: 7 of 99 datagrams lost"
    assert one.run(line + "5002") == "done 1 iperf got no answer to its last datagram"


def test_check_both_ways(guest):
    one = guest(p5001=serve(sink))
    assert one.run(f"start check_send port=5001 bytes={9 * MIB}").startswith("done 0 ")
    data = PATTERN + PATTERN[: MIB + 3]
    line = f"start check_receive bytes={len(data)}"
    assert one.run(line, sender(data)).startswith("done 0 ")


@pytest.mark.parametrize("at", (0, 4095, 4096, 4 * MIB, 5 * MIB))
def test_check_receive_sees_one_wrong_byte(guest, at):
    data = bytearray(PATTERN + PATTERN[: MIB + 1])
    data[at] ^= 1
    answer = guest().run(f"start check_receive bytes={len(data)}", sender(bytes(data)))
    assert answer.startswith(f"done 1 received: byte {at} is ")


@pytest.mark.parametrize("change", (-1, 1))
def test_check_receive_sees_a_wrong_length(guest, change):
    data = PATTERN[: MIB + change]
    answer = guest().run(f"start check_receive bytes={MIB}", sender(data))
    assert answer.startswith("done 1 ")


def test_http(guest):
    bodies = {"/": b"<html>x</html>", "/4k": PATTERN[:4096], "/64k": PATTERN[:65536]}
    line = "start http port=80 requests=50 concurrency=4 path=/4k"
    assert guest(p80=web(bodies)).run(line).startswith("done 0 ")
    wrong = {**bodies, "/64k": bytes(65536)}
    assert "differs" in guest(p80=web(wrong)).run(line)
    missing = {**bodies, "/4k": None}
    assert guest(p80=web(missing)).run(line).startswith("done 1 ab: ")


def test_http_check_sees_what_is_not_served(guest):
    """A server that knows no ranges; then one whose file is wrong in its last byte."""
    file = peer_http.whole_file(9000)
    bodies = {"/": b"<html>x</html>", "/4k": PATTERN[:4096], "/64k": PATTERN[:65536], "/file": file}
    line = f"start http_check port=80 file={len(file)}"
    assert "bytes=0-0 of 9000: status 200" in guest(p80=web(bodies)).run(line)
    wrong = {**bodies, "/file": file[:-1] + b"?"}
    assert "/file differs" in guest(p80=web(wrong)).run(line)


def test_http_wrk(guest):
    one = guest(p80=web({"/1": b"1"}))
    line = "start http_wrk port=80 concurrency=3 load=1 path="
    answer = one.run(line + "/1")
    assert answer.startswith("done 0 wrk requests=") and " p999_us=" in answer
    assert "wrong" in one.run(line + "/2")
    # Pieces were asked for, and whole pages came.
    assert "wrong" in one.run(line + "/1 range=1 file=10")
    assert one.ask(line + "/1 range=2 file=1").startswith("refused")


def test_memcached_check_sees_a_wrong_value(guest):
    """Played by one that keeps nothing."""
    def forgetful(sock):
        with sock.makefile("rwb") as file:
            while line := file.readline():
                words = line.split()
                if words[0] == b"set":
                    file.read(int(words[4]) + 2)
                file.write({b"set": b"STORED\r\n", b"get": b"END\r\n"}.get(words[0], b"OK\r\n"))
                file.flush()

    answer = guest(p11211=serve(forgetful)).run("start memcached_check port=11211")
    assert answer.startswith("done 1 get size0")
    closed = guest(p11211=serve(lambda sock: None)).run("start memcached_check port=11211")
    assert closed.startswith("done 1 pymemcache")


def test_echo(guest):
    one = guest(p7=serve(echo), p8=udp(lambda data: data))
    assert one.run(f"start tcp_echo port=7 bytes={MIB}").startswith("done 0 ")
    assert one.run("start udp_echo port=8 count=100 bytes=512").startswith("done 0 ")
    bad = guest(p7=serve(bad_echo), p8=udp(lambda data: data[:-1] + b"?"), p9=udp(lambda data: None))
    assert "byte 100000 is" in bad.run(f"start tcp_echo port=7 bytes={MIB}")
    assert bad.run("start udp_echo port=8 count=10 bytes=512").startswith("done 1 ")
    assert "none of 5" in bad.run("start udp_echo port=9 count=1 bytes=512")


def test_every_wait_ends(guest):
    one = guest(p5001=serve(lambda sock: threading.Event().wait()))
    for line in (
        "start check_receive bytes=5 seconds=1",
        "start iperf_receive bytes=5 seconds=1",
        f"start check_send port=5001 bytes={64 * MIB} seconds=1",
        f"start iperf_send port=5001 bytes={64 * MIB} seconds=1",
        "start udp_receive load=1 seconds=2",
        "start udp_send port=5001 load=5 seconds=1",
    ):
        assert one.run(line).startswith("done 1 deadline")


def test_refusals(guest):
    one = guest()
    assert "no program fish" in one.ask("start fish")
    assert "requests=" in one.ask("start http port=80")
    assert one.ask("stop").startswith("refused ")
    assert one.ask("start check_receive bytes=-1").startswith("refused ")
    assert one.ask("start udp_echo count=1 bytes=9000").startswith("refused ")
    assert "give the peer more" in one.ask("start udp_receive load=5 seconds=1")
    assert "msg=" in one.ask("start udp_send msg=1473")
    assert "rate=" in one.ask("start udp_send rate=fast")


# ---- what else the launcher rests on --------------------------------------------------------------


def test_records():
    sealed = records.seal({"sluice": "result", "seq": 1})
    assert records.parse(sealed)["seq"] == 1
    assert records.parse("[ 0.1] info boot: text") is None
    for damaged in (sealed.replace('"seq":1', '"seq":2'), sealed[:-4], sealed[:-20] + "}"):
        with pytest.raises(records.BadRecord):
            records.parse(damaged)


def test_a_lost_record_shows():
    line = console.Console(None, None, None)
    for number in (1, 2, 4):
        line.line(records.seal({"sluice": "case", "seq": number}).encode())
    assert line.bad == ["record 4 follows 2"]


@pytest.mark.parametrize("platform", ("bios", "efi"))
def test_iso_is_small(tmp_path, platform):
    image = tmp_path / "image"
    image.write_bytes(bytes(1 << 16))
    iso.make(tmp_path / "x.iso", platform, image, [image], ["guest=a b", "w50%"])
    assert (tmp_path / "x.iso").stat().st_size < 6 << 20

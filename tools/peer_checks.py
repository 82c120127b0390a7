# SPDX-License-Identifier: MIT
"""The peer's own traffic, compared byte by byte: the pattern sent, received, and echoed.

The pattern is 4 MiB; its little-endian 32-bit word i is i * 0x9E3779B1 mod 2^32, and byte o of a stream is
pattern[o mod 4 MiB]: a lost, doubled or misplaced page shows at its first byte.
"""

import array
import socket
import sys
import threading
import time

PATTERN_BYTES = 4 << 20
CHUNK = 256 << 10


class Failed(Exception):
    """The check did not hold; the text goes into the peer's `done` line."""


def build_pattern():
    words = array.array("I", ((i * 0x9E3779B1) & 0xFFFFFFFF for i in range(PATTERN_BYTES // 4)))
    if sys.byteorder != "little":
        words.byteswap()
    return words.tobytes()


PATTERN = build_pattern()
# A chunk that starts anywhere in the pattern is one slice of this.
ROLLED = memoryview(PATTERN + PATTERN[:CHUNK])


def pattern_at(offset, count):
    """count <= CHUNK bytes of the endless stream, from offset on."""
    start = offset % PATTERN_BYTES
    return ROLLED[start : start + count]


def compare(data, offset, what):
    expected = bytes(pattern_at(offset, len(data)))
    if data == expected:
        return
    at = next(i for i, (a, b) in enumerate(zip(data, expected)) if a != b)
    raise Failed(
        f"{what}: byte {offset + at} is {data[at]:#04x}, the pattern has {expected[at]:#04x}"
    )


def send_pattern(sock, count, until, message=CHUNK):
    sent = 0
    while sent < count:
        sock.settimeout(left(until, f"{sent} of {count} bytes sent"))
        try:
            sent += sock.send(pattern_at(sent, min(message, count - sent)))
        except socket.timeout:
            raise Failed(f"deadline: {sent} of {count} bytes sent") from None
        except OSError as error:
            raise Failed(f"{error.strerror} after {sent} of {count} bytes sent") from None


def receive_pattern(sock, count, until, what="received"):
    """Exactly count bytes, then the end of the stream (unless count is where an echo ends)."""
    got = 0
    while got < count:
        sock.settimeout(left(until, f"{got} of {count} bytes {what}"))
        try:
            data = sock.recv(min(CHUNK, count - got))
        except socket.timeout:
            raise Failed(f"deadline: {got} of {count} bytes {what}") from None
        except OSError as error:
            raise Failed(f"{error.strerror} after {got} of {count} bytes {what}") from None
        if not data:
            raise Failed(f"the stream ended after {got} of {count} bytes {what}")
        compare(data, got, what)
        got += len(data)


def expect_end(sock, until):
    sock.settimeout(left(until, "waiting for the end of the stream"))
    try:
        extra = sock.recv(1)
    except socket.timeout:
        raise Failed("deadline: the stream did not end") from None
    except OSError as error:
        raise Failed(f"{error.strerror} where the stream should end") from None
    if extra:
        raise Failed("more bytes came than were announced")


def left(until, what):
    seconds = until - time.monotonic()
    if seconds <= 0:
        raise Failed(f"deadline: {what}")
    return seconds


def connect(address, until):
    try:
        return socket.create_connection(address, timeout=left(until, "before connecting"))
    except OSError as error:
        raise Failed(f"cannot connect to {address[0]}:{address[1]}: {error}") from None


def check_send(address, count, message, until):
    """Sends count bytes and waits until the guest has closed: it has then taken and judged all of them."""
    with connect(address, until) as sock:
        send_pattern(sock, count, until, min(message, CHUNK))
        sock.shutdown(socket.SHUT_WR)
        expect_end(sock, until)
    return f"sent {count} bytes"


def check_receive(listener, count, until):
    listener.settimeout(left(until, "before accepting"))
    try:
        sock, _ = listener.accept()
    except socket.timeout:
        raise Failed("deadline: the guest did not connect") from None
    with sock:
        receive_pattern(sock, count, until)
        expect_end(sock, until)
    return f"compared {count} bytes"


def tcp_echo(address, count, until):
    with connect(address, until) as sock:
        failure = []

        def sender():
            try:
                # The receiver sets timeouts on the same socket object: a duplicate keeps them apart.
                with sock.dup() as out:
                    send_pattern(out, count, until)
                    out.shutdown(socket.SHUT_WR)
            except (Failed, OSError) as error:
                failure.append(str(error))

        thread = threading.Thread(target=sender, daemon=True)
        thread.start()
        try:
            receive_pattern(sock, count, until, "echoed")
            expect_end(sock, until)
        except Failed as error:
            raise Failed("; ".join([str(error)] + failure)) from None
        finally:
            thread.join(1)
        if failure:
            raise Failed(failure[0])
    return f"echoed {count} bytes over TCP"


def udp_echo(address, count, size, until):
    """One datagram at a time. UDP may lose: each is sent up to 5 times, and more than 1 % of repeats fails."""
    repeats = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(address)
        for i in range(count):
            payload = i.to_bytes(4, "little") + bytes(pattern_at(i * size, size - 4))
            for attempt in range(5):
                if udp_once(sock, payload, until):
                    break
                repeats += 1
            else:
                raise Failed(f"datagram {i} of {count} came back in none of 5 attempts")
    if repeats * 100 > count:
        raise Failed(f"{repeats} of {count} datagrams had to be repeated")
    return f"echoed {count} datagrams of {size} bytes, {repeats} repeated"


def udp_once(sock, payload, until):
    """True when the payload came back. Late answers to an earlier attempt are skipped by their number."""
    give_up = min(until, time.monotonic() + 0.5)
    try:
        sock.send(payload)
        while time.monotonic() < give_up:
            sock.settimeout(max(0.001, give_up - time.monotonic()))
            data = sock.recv(65536)
            if data == payload:
                return True
            if len(data) < 4 or int.from_bytes(data[:4], "little") >= int.from_bytes(
                payload[:4], "little"
            ):
                raise Failed(f"a datagram of {len(data)} bytes came back changed")
    except socket.timeout:
        pass
    except ConnectionRefusedError:
        time.sleep(0.05)  # ICMP said that nobody listens yet; the attempts are counted
    left(until, "in the UDP echo")
    return False

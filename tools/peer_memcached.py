# SPDX-License-Identifier: MIT
"""The guest's memcached under memcaslap; its answers to memccapable, to pymemcache, and to bytes that no client sends."""

import re
import socket
import tempfile

from peer_checks import Failed, connect, left, pattern_at
from peer_programs import last_line, run

# Of keys and values as the literature has them: 64 bytes, 1 KiB, nine gets for a set.
LOAD = "key\n64 64 1\nvalue\n1024 1024 1\ncmd\n0 0.1\n1 0.9\n"
CAPABLE = (
    "ascii version", "ascii quit", "ascii verbosity", "ascii set", "ascii set noreply", "ascii get", "ascii mget",
    "ascii flush", "ascii flush noreply", "ascii add", "ascii add noreply", "ascii replace", "ascii replace noreply",
    "ascii delete", "ascii delete noreply", "ascii incr", "ascii incr noreply", "ascii decr", "ascii decr noreply",
    "ascii stat",
)
VALUE_MAX = 65536


def load(address, seconds, connections, until):
    """memcaslap compares each value that it gets."""
    if left(until, "before memcaslap") < seconds:
        raise Failed(f"deadline: memcaslap would run for {seconds} seconds; give the peer more (--seconds)")
    with tempfile.NamedTemporaryFile("w", suffix=".cnf") as settings:
        settings.write(LOAD)
        settings.flush()
        text = run(
            ["memcaslap", "-s", f"{address[0]}:{address[1]}", "-T", "1", "-c", str(connections)]
            + ["-t", f"{seconds}s", "-F", settings.name, "-v", "1.0"],
            until,
        )
    counts = {key: int(value) for key, value in re.findall(r"^(\w+): (\d+)$", text, re.MULTILINE)}
    gets, sets = counts.get("cmd_get", 0), counts.get("cmd_set", 0)
    if gets == 0 or sets == 0:
        raise Failed(f"memcaslap made {gets} gets and {sets} sets: {last_line(text)}")
    if counts.get("verify_failed"):
        raise Failed(f"memcaslap: {counts['verify_failed']} of {gets} values are wrong")
    return f"memcaslap gets={gets} sets={sets} misses={counts.get('get_misses', 0)}"


def capable(address, until):
    for name in CAPABLE:
        seconds = max(1, int(min(10, left(until, f"before memccapable's {name}"))))
        text = run(["memccapable", "-h", address[0], "-p", str(address[1]), "-t", str(seconds), "-T", name], until)
        if not re.search(rf"^{name}\s.*\[pass\]", text, re.MULTILINE):
            raise Failed(f"memccapable: {last_line(text)}")


def client(address, until):
    try:
        from pymemcache.client.base import Client
    except ImportError:
        raise Failed("pymemcache is not installed: run tools/setup run") from None
    seconds = left(until, "before pymemcache")
    return Client(address, connect_timeout=seconds, timeout=min(20, seconds), default_noreply=False, no_delay=True)


def expect(what, got, wanted):
    if got != wanted:
        raise Failed(f"{what}: {str(got)[:80]}, not {str(wanted)[:80]}")


def values(one):
    """Values of each size come back byte by byte, one at a time and many at once."""
    sizes = (0, 1, 2, 100, 1459, 1460, 1461, 4095, 4096, 20000, VALUE_MAX)
    held = {f"size{n}": bytes(pattern_at(n, n)) for n in sizes}
    for key, value in held.items():
        expect(f"set {key}", one.set(key, value, flags=len(value)), True)
    for key, value in held.items():
        expect(f"get {key}", one.get(key), value)
    expect("a get of many keys", one.get_many([*held, "none", "x" * 250]), held)
    many = {f"many{i}": b"%d" % i for i in range(400)}
    expect("sets of many keys", one.set_many(many), [])
    expect("a get of 400 keys", one.get_many(list(many)), many)
    expect("quiet sets", one.set_many({"a": b"1", "b": b"2"}, noreply=True), [])
    expect("their values", one.get_many(["a", "b"]), {"a": b"1", "b": b"2"})
    expect("a key of 250 letters", (one.set("k" * 250, b"v"), one.get("k" * 250)), (True, b"v"))


def changes(one):
    expect("add of what is there", one.add("a", b"9"), False)
    expect("add of what is not", (one.delete("a"), one.add("a", b"9")), (True, True))
    expect("replace of what is not there", one.replace("nothing", b"1"), False)
    expect("replace", (one.replace("a", b"8"), one.get("a")), (True, b"8"))
    expect("delete of what is not there", one.delete("nothing"), False)
    one.set("n", b"18446744073709551615")
    expect("incr over the end", one.incr("n", 3), 2)
    expect("decr below nothing", one.decr("n", 5), 0)
    expect("incr to more digits", (one.incr("n", 12345), one.get("n")), (12345, b"12345"))
    expect("incr of nothing", one.incr("nothing", 1), None)
    expect("an item that has expired", (one.set("old", b"1", expire=-1), one.get("old")), (True, None))
    expect("version", one.version(), b"1.0.0")
    expect("items, by stats", one.stats()[b"curr_items"] > 400, True)
    expect("flush_all", (one.flush_all(), one.get("a"), one.stats()[b"curr_items"]), (True, None, 0))


LONG = b"x" * 251
BAD = b"CLIENT_ERROR bad command line format\r\n"
RUDE = (
    # bytes, the whole answer
    (b"\r\n", b"ERROR\r\n"),
    (b"\x00\xff\xfe\r\n", b"ERROR\r\n"),
    (b"get\r\nget \r\nget  \r\n", b"ERROR\r\n" * 3),
    (b"get " + LONG + b"\r\nversion\r\n", BAD + b"VERSION 1.0.0\r\n"),
    (b"get a " + LONG * 20 + b" b\r\nversion\r\n", BAD + b"VERSION 1.0.0\r\n"),
    (b"set a 0 0\r\n", BAD),
    (b"set a 0 0 -1\r\n", BAD),
    (b"set a 4294967296 0 1\r\n", BAD),
    (b"set a 0 0 99999999999999999999999\r\n", BAD),
    (b"set a 0 0 18446744073709551615\r\nversion\r\n", BAD + b"VERSION 1.0.0\r\n"),
    (b"set " + LONG + b" 0 0 1\r\n", BAD),
    (b"set a 0 0 1 nopreply\r\n", BAD),
    (b"set a 0 0 3\r\nabcdef\r\nversion\r\n", b"CLIENT_ERROR bad data chunk\r\nVERSION 1.0.0\r\n"),
    (b"set a 0 0 3\r\nab\r\n\nversion\r\n", b"CLIENT_ERROR bad data chunk\r\nVERSION 1.0.0\r\n"),
    (b"set a 0 0 65537\r\n" + b"v" * 65537 + b"\r\nversion\r\n",
     b"SERVER_ERROR object too large for cache\r\nVERSION 1.0.0\r\n"),
    (b"incr a\r\nincr a x\r\n", BAD + b"CLIENT_ERROR invalid numeric delta argument\r\n"),
    (b"set t 0 0 1\r\nx\r\nincr t 1\r\n",
     b"STORED\r\nCLIENT_ERROR cannot increment or decrement non-numeric value\r\n"),
    (b"delete\r\ndelete a 1\r\nflush_all 60\r\n", BAD + BAD + b"SERVER_ERROR only at once\r\n"),
    (b"v" * 100000 + b"\nversion\r\n", b"CLIENT_ERROR line too long\r\nVERSION 1.0.0\r\n"),
    (b"quit\r\nversion\r\n", b""),
    (b"set half 0 0 100\r\nnot all of", b""),
    (b"version\n" * 500, b"VERSION 1.0.0\r\n" * 500),
)


def rude(address, until):
    for request, wanted in RUDE:
        with connect(address, until) as sock:
            got = exchange(sock, request, until)
        expect(f"{request[:40]!r}", got, wanted)


def exchange(sock, request, until):
    """All that the guest says to it until it closes."""
    got = b""
    try:
        sock.settimeout(left(until, "before a bad request"))
        sock.sendall(request)
        sock.shutdown(socket.SHUT_WR)
        while data := sock.recv(1 << 16):
            got += data
    except socket.timeout:
        raise Failed(f"deadline: {request[:40]!r} was not answered to its end") from None
    except OSError as error:
        if not request.startswith(b"quit"):
            raise Failed(f"{error.strerror} after {request[:40]!r}") from None
    return got


def slow_reader(address, until):
    """Asks for more than any buffer holds before it reads the first byte of it."""
    value = bytes(pattern_at(0, 60000))
    item = b"VALUE big 0 60000\r\n" + value + b"\r\n"
    with connect(address, until) as sock:
        sock.settimeout(left(until, "before asking for much"))
        sock.sendall(b"set big 0 0 60000 noreply\r\n" + value + b"\r\n" + b"get" + b" big" * 100 + b"\r\nquit\r\n")
        got = b""
        while data := sock.recv(1 << 18):
            got += data
    expect("100 values of 60,000 bytes at once", got == item * 100 + b"END\r\n", True)


def check(address, until):
    one = client(address, until)
    try:
        one.flush_all()
        values(one)
        changes(one)
        slow_reader(address, until)
        rude(address, until)
        values(one)
        one.quit()
    except Failed:
        raise
    except Exception as error:  # pymemcache has no common class of them
        raise Failed(f"pymemcache: {type(error).__name__}: {error}"[:150]) from None
    capable(address, until)
    return f"pymemcache compared values, {len(CAPABLE)} tests of memccapable passed, {len(RUDE)} bad requests held"

# SPDX-License-Identifier: MIT
"""The guest's web server under wrk, and asked by hand: every page, pieces of a file, and what no polite client sends."""

import functools
import pathlib
import random
import re
import socket

from peer_checks import PATTERN, PATTERN_BYTES, Failed, connect, left
from peer_programs import check_time, fetch, judge_body, run

SCRIPT = pathlib.Path(__file__).resolve().parent / "peer_wrk.lua"
LATE_SECONDS = 10
REST_SECONDS = 1  # of each connection before its first request, as peer_wrk.lua has it
PIECES = 20


def wrk(address, connections, path, seconds, piece, file, until):
    """wrk's latencies, of all requests from its first to its last second, as key=value."""
    url = f"http://{address[0]}:{address[1]}{path}"
    seconds += REST_SECONDS
    command = ["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "--timeout", f"{LATE_SECONDS}s"]
    check_time("wrk", seconds, until)
    text = run([*command, "-s", str(SCRIPT), url, "--", str(piece), str(file), str(connections)], until)
    found = re.search(r"^result (.*)$", text, re.MULTILINE)
    if not found:
        raise Failed(f"wrk told no result: {text.strip()[-100:]}")
    told = dict(word.split("=") for word in found.group(1).split())
    bad = [f"{told[key]} {key}" for key in ("wrong", "broken", "late") if int(told[key])]
    if bad or int(told["requests"]) == 0:
        raise Failed(f"wrk: {told['requests']} requests, {', '.join(bad) or 'none'}")
    return f"wrk {found.group(1)}"


@functools.lru_cache(1)
def whole_file(size):
    """The guest's file: the pattern lap after lap, each 1,021 words further on than the one before."""
    laps = []
    for lap in range(-(-size // PATTERN_BYTES)):
        shift = lap * 4 * 1021 % PATTERN_BYTES
        laps += [PATTERN[shift:], PATTERN[:shift]]
    return b"".join(laps)[:size]


def ask(address, request, until):
    """What the guest answers to these bytes until it closes: (status, header in lower case, body)."""
    with connect(address, until) as sock:
        sock.sendall(request)
        sock.shutdown(socket.SHUT_WR)
        return answer(b"".join(chunks(sock, until)))


def chunks(sock, until):
    while True:
        sock.settimeout(left(until, "waiting for an answer"))
        try:
            data = sock.recv(1 << 18)
        except socket.timeout:
            raise Failed("deadline: the guest did not answer to its end") from None
        except OSError as error:
            raise Failed(f"{error.strerror} while the guest answered") from None
        if not data:
            return
        yield data


def answer(data):
    head, _, body = data.partition(b"\r\n\r\n")
    found = re.match(rb"HTTP/1\.[01] (\d{3}) ", head)
    if not found:
        raise Failed(f"no HTTP answer: {data[:60]!r}")
    return int(found.group(1)), head.decode("latin-1").lower(), body


def get(address, path, value, until):
    lines = f"GET {path} HTTP/1.1\r\nHost: guest\r\nRange: bytes={value}\r\nConnection: close\r\n\r\n"
    return ask(address, lines.encode(), until)


def check_piece(address, value, first, count, file, until):
    status, head, body = get(address, "/file", value, until)
    where = f"content-range: bytes {first}-{first + count - 1}/{file}"
    if status != 206 or where not in head:
        raise Failed(f"bytes={value} of {file}: status {status}, {head[-200:]!r}")
    if body != whole_file(file)[first : first + count]:
        raise Failed(f"bytes={value}: {len(body)} bytes, which are not the file's")


def check_pieces(address, file, until):
    for value, first, count in (
        ("0-0", 0, 1),
        (f"{file - 1}-", file - 1, 1),
        ("-1", file - 1, 1),
        (f"{file - 5}-{file + 1000}", file - 5, 5),
        (f"-{min(file, 5000)}", file - min(file, 5000), min(file, 5000)),
        (f"-{file * 2}", 0, file),
    ):
        check_piece(address, value, first, count, file, until)
    source = random.Random(1)
    for _ in range(PIECES):
        count = source.randint(1, min(file, 20000))
        first = source.randint(0, file - count)
        check_piece(address, f"{first}-{first + count - 1}", first, count, file, until)


def check_no_pieces(address, until):
    """Of /4k. What makes no sense is ignored (RFC 9110 section 14.2)."""
    for value, status in (
        ("4096-", 416), ("-0", 416), (f"{10**15}-{10**16}", 416),
        ("5-4", 200), ("0-0,2-3", 200), ("x-y", 200), ("-", 200), ("9" * 40 + "-", 200), ("1-2x", 200),
    ):
        got, _, body = get(address, "/4k", value, until)
        if got != status or (got == 200 and body != PATTERN[:4096]):
            raise Failed(f"Range: bytes={value} of /4k: status {got} with {len(body)} bytes, not {status}")


RUDE = {
    b"\x00\xff\x80 / HTTP/1.1\r\n\r\n": 400,
    b"GET\r\n\r\n": 400,
    b"GET  HTTP/1.1\r\n\r\n": 400,
    b"GET / HTTP/9.9\r\n\r\n": 400,
    b"GET /\x07 HTTP/1.1\r\n\r\n": 400,
    b"\r\n\r\n": 400,
    b"POST /4k HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello": 405,
    b"GET /" + b"x" * 700 + b" HTTP/1.1\r\nConnection: close\r\n\r\n": 404,
    b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\n\r\n": 431,
    b"A" * 20000: 431,
}


def check_rude(address, until):
    for request, status in RUDE.items():
        got, _, _ = ask(address, request, until)
        if got != status:
            raise Failed(f"{request[:30]!r} was answered with {got}, not {status}")
    for request in (b"", b"GET / HTTP/1.1\r\nHost:"):
        with connect(address, until) as sock:
            sock.sendall(request)
            sock.shutdown(socket.SHUT_WR)
            if b"".join(chunks(sock, until)):
                raise Failed(f"{request!r}, which does not end, was answered")


def check_pipeline(address, until):
    """Three requests in one segment, the third cut in two: three answers, in their order."""
    one = b"GET /4k HTTP/1.1\r\nHost: guest\r\n\r\n"
    with connect(address, until) as sock:
        sock.sendall(one + one + one[:10])
        sock.sendall(one[10:-2] + b"Connection: close\r\n\r\n")
        data = b"".join(chunks(sock, until))
    if data.count(b"HTTP/1.1 200 OK") != 3 or data.count(PATTERN[:4096]) != 3:
        raise Failed(f"three requests at once brought {len(data)} bytes that are not three pages")


def check(address, file, until):
    """file: bytes of /file, 0 where there is none."""
    base = f"http://{address[0]}:{address[1]}"
    for name in ("/", "/4k", "/64k"):
        judge_body(name, fetch(base + name, until))
    if file and fetch(base + "/file", until) != whole_file(file):
        raise Failed("curl: /file differs from the guest's file")
    if file:
        check_pieces(address, file, until)
    check_no_pieces(address, until)
    check_pipeline(address, until)
    check_rude(address, until)
    judge_body("/4k", fetch(base + "/4k", until))
    return f"curl compared all pages, {PIECES + 6 if file else 0} pieces of /file held, {len(RUDE)} bad requests were refused"


def keep_trace(address, size, folder, name, until):
    """A guest's record of its DMA maps, for mapsim; earlier ones of that name stay."""
    data = fetch(f"http://{address[0]}:{address[1]}/trace", until)
    if len(data) != size:
        raise Failed(f"/trace has {len(data)} bytes, the guest told of {size}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        number = next(i for i in range(1, 10**6) if not (folder / f"{name}-{i:02}.slt").exists())
        path = folder / f"{name}-{number:02}.slt"
        path.write_bytes(data)
    except OSError as error:
        raise Failed(f"{folder}: {error.strerror}: name another with --traces") from None
    return f"{path.name} has {size} bytes"

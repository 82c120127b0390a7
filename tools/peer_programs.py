# SPDX-License-Identifier: MIT
"""Real programs run against the guest: iperf 2, ab and curl. Their output is judged, not only their exit status."""

import os
import re
import subprocess
import tempfile
import time

from peer_checks import Failed, PATTERN, left

# iperf 2's server reads its client's header apart from the stream and does not count it.
HEADER_BYTES = 64
BODIES = {"/4k": PATTERN[:4096], "/64k": PATTERN[:65536]}


def run(command, until):
    """Runs to its end or the deadline; its standard output. Output of a failed program is in the error."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=left(until, f"before {command[0]}"),
            check=False,
        )
    except FileNotFoundError:
        raise Failed(f"{command[0]} is not installed: run tools/setup run") from None
    except subprocess.TimeoutExpired:
        raise Failed(f"deadline: {command[0]} did not end") from None
    text = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        raise Failed(f"{command[0]} returned {done.returncode}: {last_line(text)}")
    return text


def last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:120] if lines else "no output"


def iperf_bytes(text):
    return int(iperf_fields(text)[7])


def iperf_fields(text):
    """Of the last CSV report: date,local,port,remote,port,id,interval,bytes,bits/s."""
    reports = [line.split(",") for line in text.splitlines() if line.count(",") >= 8]
    if not reports:
        raise Failed(f"iperf gave no report: {last_line(text)}")
    return reports[-1]


def iperf_send(address, count, message, until):
    """message: bytes of each write."""
    host, port = address
    text = run(["iperf", "-c", host, "-p", str(port), "-n", str(count), "-l", str(message), "-y", "C"], until)
    sent = iperf_bytes(text)
    if sent < count:
        raise Failed(f"iperf sent {sent} of {count} bytes")
    return f"iperf sent {sent} bytes"


def iperf_udp_send(address, message, rate, seconds, until):
    """rate: Mbit/s, 0: as fast as possible. The guest's answer to the last datagram has to come."""
    host, port = address
    check_time("iperf", seconds, until)
    # -C: no longer first datagram. What no card reaches stands for no limit: iperf has no word for it.
    command = ["iperf", "-u", "-C", "-c", host, "-p", str(port), "-l", str(message)]
    text = run([*command, "-t", str(seconds), "-b", str(rate * 1000000 or 10**10)], until)
    if "did not receive ack" in text:
        raise Failed("iperf got no answer to its last datagram")
    told = re.search(r"Server Report:.* (\d+)/ *(\d+) \(", text, re.DOTALL)
    if not told:
        raise Failed(f"iperf got no report from the guest: {last_line(text)}")
    return f"iperf was told: {told.group(1)} of {told.group(2)} datagrams lost"


def check_time(program, seconds, until):
    if left(until, f"before {program}") < seconds:
        raise Failed(f"deadline: {program} would run for {seconds} seconds; give the peer more (--seconds)")


class IperfServer:
    """`iperf -s` for one connection, or with message for one sender of datagrams of so many bytes. Ready (listening) once
    the constructor returns."""

    def __init__(self, host, port, until, message=0):
        self.port = port
        self.message = message
        command = ["iperf", "-s", "-P", "1", "-B", host, "-p", str(port), "-y", "C"]
        if message:
            command += ["-u", "-l", str(message)]
        self.output = tempfile.TemporaryFile()
        try:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output
            )
        except FileNotFoundError:
            raise Failed("iperf is not installed: run tools/setup run") from None
        # A trial connection would count as the one client, so the kernel's table is asked instead.
        until = min(until, time.monotonic() + 5)
        while not is_listening(port, "udp" if message else "tcp"):
            if self.process.poll() is not None or time.monotonic() > until:
                self.close()
                raise Failed(f"iperf -s does not listen: {last_line(self.text())}")
            time.sleep(0.005)

    def text(self):
        self.output.seek(0)
        return self.output.read().decode(errors="replace")

    def ended(self, until):
        """What it says once the one client is gone."""
        try:
            status = self.process.wait(left(until, "iperf -s"))
        except subprocess.TimeoutExpired:
            raise Failed("deadline: iperf -s did not end") from None
        if status != 0:
            raise Failed(f"iperf -s returned {status}: {last_line(self.text())}")
        return self.text()

    def wait(self, count, until):
        """count: the bytes the client should have sent, 0 when not known."""
        got = iperf_bytes(self.ended(until))
        if got <= 0 or got + HEADER_BYTES < count:
            raise Failed(f"iperf received {got} of {count} bytes")
        return f"iperf received {got} bytes"

    def wait_udp(self, until):
        """Counts as key=value. iperf's CSV ends in jitter,lost,all,percent,out of order; it takes the last datagram, which
        is no data, for one of all."""
        fields = iperf_fields(self.ended(until))
        if len(fields) < 14:
            raise Failed(f"iperf gave no report of datagrams: {','.join(fields)}")
        lost, total, late = int(fields[10]), int(fields[11]), int(fields[13])
        count = int(fields[7]) - self.message
        return f"iperf received={total - 1 - lost} lost={lost} out_of_order={late} bytes={count}"

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def is_listening(port, protocol):
    state = {"tcp": "0A", "udp": "07"}[protocol]
    for table in (f"/proc/net/{protocol}", f"/proc/net/{protocol}6"):
        try:
            with open(table, encoding="ascii") as lines:
                for line in lines.readlines()[1:]:
                    fields = line.split()
                    if fields[3] == state and int(fields[1].rsplit(":", 1)[1], 16) == port:
                        return True
        except FileNotFoundError:
            continue
    return False


def http(address, requests, concurrency, path, until):
    """ab for load, then curl for content."""
    base = f"http://{address[0]}:{address[1]}"
    seconds = max(1, int(left(until, "before ab")))
    # Keep-alive: a connection each would measure how rarely QEMU's user network looks at new sockets, not the guest.
    text = run(
        ["ab", "-q", "-k", "-s", str(min(30, seconds)), "-n", str(requests)]
        + ["-c", str(concurrency), base + path],
        until,
    )
    judge_ab(text, requests, path)
    for name in ("/", "/4k", "/64k"):
        judge_body(name, fetch(base + name, until))
    return f"ab made {requests} requests of {path}, curl compared /, /4k and /64k"


def judge_ab(text, requests, path):
    def number(label):
        found = re.search(rf"^{label}:\s+(\d+)", text, re.MULTILINE)
        return int(found.group(1)) if found else None

    complete, failed = number("Complete requests"), number("Failed requests")
    if complete != requests or failed != 0:
        raise Failed(f"ab: {complete} of {requests} requests complete, {failed} failed")
    if number("Non-2xx responses"):
        raise Failed(f"ab: {number('Non-2xx responses')} responses are not 2xx")
    if path in BODIES and number("HTML transferred") != requests * len(BODIES[path]):
        raise Failed(f"ab: {number('HTML transferred')} bytes of bodies for {requests} requests")


def fetch(url, until):
    with tempfile.TemporaryDirectory() as folder:
        name = os.path.join(folder, "body")
        seconds = max(1, int(left(until, "before curl")))
        # The guest is never behind a proxy, whatever the user's settings say of other hosts.
        command = ["curl", "-q", "-sS", "--noproxy", "*", "--fail", "--max-time", str(seconds)]
        run([*command, "-o", name, url], until)
        with open(name, "rb") as body:
            return body.read()


def judge_body(name, body):
    if name == "/":
        text = body.lower()
        if b"<html" not in text or b"</html>" not in text:
            raise Failed("curl: / is not a complete HTML page")
    elif body != BODIES[name]:
        raise Failed(f"curl: {name} differs from the pattern ({len(body)} bytes)")

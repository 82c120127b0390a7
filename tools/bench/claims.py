# SPDX-License-Identifier: MIT
"""What the papers claim, held against the rows that repeat exactly, in words."""

import dataclasses

from pictures import plain
from rows import select


@dataclasses.dataclass
class Claim:
    text: str
    shown: bool | None  # None: no rows to say
    numbers: str


def one(rows, **wanted):
    found = select(rows, **wanted)
    return found[0] if found else None


def instructions(row):
    return row.a_packet("tsc")


def compared(text, rows, holds, numbers):
    if not all(rows):
        return Claim(text, None, "the plan has no rows for it")
    return Claim(text, holds(*rows), numbers(*rows))


def of_rows(traffic, exact):
    loop = select(plain(exact), work="loopback")
    none, direct = one(loop, strategy="none"), one(loop, strategy="direct")
    persistent, free = one(loop, strategy="persistent"), one(loop, strategy="on-demand", quota="none")
    strict = {call: one(loop, strategy="single-use", flush="strict", calls=call) for call in ("single", "piggyback", "batch")}
    flush = {name: one(loop, strategy="single-use", flush=name, calls="batch") for name in ("strict", "deferred", "percpu")}
    claims = [
        compared("Single-use mapping with strict invalidation is expensive.", (none, strict["single"]),
                 lambda a, b: instructions(b) > 2 * instructions(a),
                 lambda a, b: f"{instructions(b) / instructions(a):.1f} times the instructions of none a frame; {b.a_packet('exits'):.2f} exits, {b.a_packet('inv_waits'):.2f} waits"),
        compared("Direct mapping is free at run time.", (none, direct),
                 lambda a, b: instructions(b) < 1.02 * instructions(a) and b.exits == 0 and b.inv_descriptors == 0,
                 lambda a, b: f"{instructions(b) / instructions(a):.3f} times the instructions of none, {b.exits} exits, {b.inv_descriptors} invalidations, {b.resident_peak} pages pinned"),
        compared("On-demand with a quota of the working set or more is as fast as persistent, in less memory than direct.", (persistent, free, direct),
                 lambda a, b, c: instructions(b) <= 1.02 * instructions(a) and b.exits == 0 and b.resident_peak <= 1.05 * b.pages_touched < c.resident_peak,
                 lambda a, b, c: f"{instructions(b) / instructions(a):.3f} times persistent's instructions, {b.exits} exits; {b.resident_peak} pages against direct's {c.resident_peak}"),
        compared("Batched calls cost less than piggybacked unmaps, and these less than single calls.", tuple(strict[call] for call in ("batch", "piggyback", "single")),
                 lambda a, b, c: instructions(a) < instructions(b) < instructions(c),
                 lambda a, b, c: f"{instructions(a):.0f} < {instructions(b):.0f} < {instructions(c):.0f} instructions a frame (single-use, strict)"),
        compared("Deferred invalidation takes the waits away, one queue or one a CPU.", (flush["strict"], flush["deferred"], flush["percpu"]),
                 lambda a, b, c: b.inv_waits < a.inv_waits / 20 and c.inv_waits < a.inv_waits / 20,
                 lambda a, b, c: f"{a.a_packet('inv_waits'):.3f} waits a frame strict, {b.a_packet('inv_waits'):.4f} deferred, {c.a_packet('inv_waits'):.4f} per CPU (one CPU: how queues scale is make bench-flush's to say)"),
    ]
    return claims + [pinned(plain(traffic + exact), direct)]


def pinned(rows, direct):
    """The synthetic kernels are left out: no device uses what they map, and all of it was mapped before the window."""
    text = "On-demand pins what it touches, where direct pins all of the guest."
    free = [row for row in rows if row.strategy == "on-demand" and row.quota_text == "none" and row.exits == 0 and row.bytes]
    if not free or not direct:
        return Claim(text, None, "the plan has no rows for it")
    worst = max(free, key=lambda row: row.resident_peak / row.pages_touched)
    ratio = worst.resident_peak / worst.pages_touched
    return Claim(text, ratio <= 1.05, f"at most {ratio:.3f} times the pages touched ({worst.work}), in {len(free)} cases without an exit; direct: {direct.resident_peak}")

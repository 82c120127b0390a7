#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make bench-engine: what a hit, an unmap and a miss with eviction cost, and how fast traces are replayed.

usage: tools/bench/bench.py PROGRAM MAPSIM [TRACE]

Instructions are counted by callgrind, as the difference between two run lengths, less the same of an empty loop; times are
medians. Returns 1 when a limit does not hold; limits on times are shown, not judged: the machine is not ours alone.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

POLICIES = ("fifo", "lru", "clock", "sieve", "s3fifo", "arc", "csra", "adaptive")
HIT, UNMAP = 8, 3
SMALL, LARGE = 2000, 64000


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"bench: {' '.join(command)}: {done.stderr.strip()}")
    return done


def collected(program, words, times):
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, *words, str(times)]
    return int(re.search(r"Collected : (\d+)", run(command).stderr).group(1))


def instructions(program, words, times):
    """Of one time: what the preparation costs is the same in both runs."""
    return (collected(program, words, 2 * times) - collected(program, words, times)) / times


def nanoseconds(program, words, times):
    return float(run([program, *words, str(times)]).stdout)


def short_paths(program):
    empty = instructions(program, ["empty"], 90000)
    empty_ns = nanoseconds(program, ["empty"], 9000000)
    held = True
    for name, limit in (("hit", HIT), ("unmap", UNMAP)):
        count = instructions(program, [name], 90000) - empty
        time = nanoseconds(program, [name], 9000000) - empty_ns
        held &= count <= limit
        print(f"{name:9} {count:5.1f} instructions (at most {limit}), {time:.1f} ns, one word: one cache line")
    return held


def misses(program):
    """With 90 % of the quota in use: the cost must not grow with the quota."""
    held = True
    print(f"miss with eviction, 90 % in use: instructions at a quota of {SMALL}, of {LARGE} pages; ns")
    for policy in POLICIES:
        few, many = (instructions(program, ["miss", policy, str(pages)], 9000) for pages in (SMALL, LARGE))
        time = nanoseconds(program, ["miss", policy, str(LARGE)], 900000)
        flat = many <= 1.5 * few + 50
        held &= flat
        print(f"{policy:9} {few:7.0f} {many:7.0f} {time:7.0f}{'' if flat else '  GROWS'}")
    return held


def replay(mapsim, trace):
    print(f"replay of {pathlib.Path(trace).name} at half its way, million maps a second on one core (lru 20, adaptive 10 wanted)")
    for policy in POLICIES:
        best = 0.0
        for _ in range(3):
            command = [mapsim, "--policy", policy, "--quota", "50%", "--warmup", "0", "--json", trace]
            row = json.loads(run(command).stdout)[0]
            best = max(best, row["maps"] / row["seconds"] / 1e6)
        print(f"{policy:9} {best:6.1f}")


def ring(path):
    """A trace of our own for where none is given: a ring of 8-page blocks that are taken back in batches."""
    with open(path, "w", encoding="ascii") as out:
        free, busy, time = [block * 8 for block in range(60)], [], 0
        for _ in range(60000):
            block = free.pop()
            busy.append(block)
            time += 20
            out.write(f"{time} M {block << 12:x} {block << 12:x} 32768 T 0 32768\n")
            if len(busy) == 24:
                for old in busy[:16]:
                    out.write(f"{time} U {old << 12:x} {old << 12:x} 32768 T\n")
                free += busy[:16]
                busy = busy[16:]


def main():
    program, mapsim, *traces = sys.argv[1:]
    held = short_paths(program)
    held &= misses(program)
    with tempfile.TemporaryDirectory() as folder:
        if not traces:
            traces = [f"{folder}/ring"]
            ring(traces[0])
        for trace in traces:
            replay(mapsim, trace)
    print("bench-engine:", "every limit held" if held else "a limit did NOT hold")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())

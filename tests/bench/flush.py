#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make bench-flush: how unmaps scale from one CPU to two, by when their invalidation comes.

The invalidation's price is an assumption and swept; what is looked at is the ratio of two runs. A machine whose CPUs do other
things spoils it: the best of several runs counts.
"""

import subprocess
import sys

MODES = ("strict", "deferred", "percpu")
PRICES = (200, 600, 2000)  # ns a batch of invalidations
TRIES = 3


def measured(program, mode, threads, price):
    def once():
        done = subprocess.run([program, mode, str(threads), str(price)], capture_output=True, text=True, check=True, timeout=120)
        return float(done.stdout)

    return min(once() for _ in range(TRIES))


def main():
    program = sys.argv[1]
    print("invalidation |          ns an unmap        | speed-up of two CPUs")
    print("price, ns    | mode      1 CPU    2 CPUs   |")
    best = {}
    for price in PRICES:
        for mode in MODES:
            one, two = (measured(program, mode, threads, price) for threads in (1, 2))
            best[mode, price] = one / two
            print(f"{price:12} | {mode:9} {one:6.1f}   {two:6.1f}   | {one / two:.2f}", flush=True)
    good = best["percpu", 600] >= 1.8 and best["percpu", 600] > best["deferred", 600] > best["strict", 600]
    print(f"{'ok  ' if good else 'FAIL'} at 600 ns: a queue a CPU scales by 1.8 at least, and better than one queue, and that better than none")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()

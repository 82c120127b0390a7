#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a round trip through each backend costs, where the clock counts instructions.

usage: bench.py BUILD      instructions, the guest's own and the loop around run() included
"""

import pathlib
import re
import sys

import machines

ROW = re.compile(r"bench (\w+) (.+?) +(\d+)$")


def rows(log):
    found = (ROW.match(line) for line in log.splitlines())
    return {row[2]: int(row[3]) for row in found if row}


def main():
    build = pathlib.Path(sys.argv[1])
    svm = rows(machines.qemu(build, ["work=bench"], icount=True).log)
    vmx = rows(machines.bochs_(build, ["work=bench"]).log)
    native = rows(machines.qemu(build, [*machines.NATIVE, "work=bench"], icount=True).log)
    print(f"{'instructions a round trip':28} {'svm':>6} {'vmx':>6} {'native':>6}")
    for name in svm:
        print(f"{name:28} {svm[name]:6} {vmx[name]:6} {native.get(name, '-'):>6}")


if __name__ == "__main__":
    main()

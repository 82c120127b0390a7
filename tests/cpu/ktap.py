# SPDX-License-Identifier: MIT
"""The console of the CPU tests' image as results of cases."""

import dataclasses
import re

CASE = re.compile(r"(ok|not ok) (\d+) (\S+)(?: # (SKIP )?(.*))?$")


@dataclasses.dataclass
class Case:
    name: str
    held: bool
    skipped: str | None  # why
    said: str  # of a failure


def parse(log):
    """Every case that was planned, in order; ValueError when some are missing, doubled or out of order."""
    planned, cases = None, []
    for line in log.splitlines():
        if line.startswith("1.."):
            planned = int(line[3:])
        found = CASE.match(line)
        if not found:
            continue
        word, number, name, skip, rest = found.groups()
        if int(number) != len(cases) + 1:
            raise ValueError(f"case {number}, {name}, comes after {len(cases)} others")
        cases.append(Case(name, word == "ok", rest if skip else None, "" if skip else rest or ""))
    if planned is None:
        raise ValueError("there is no plan: the image did not come so far")
    if planned != len(cases):
        raise ValueError(f"{planned} cases were planned, and {len(cases)} told how they went")
    return cases

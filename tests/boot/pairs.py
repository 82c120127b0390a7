# SPDX-License-Identifier: MIT
"""Few combinations that hold every pair of values: greedy, and the same on every machine."""

import itertools


def pairs_of(row):
    return {(a, b) for a, b in itertools.combinations(sorted(row.items()), 2)}


def every_pair(factors):
    names = sorted(factors)
    return {
        ((a, x), (b, y))
        for a, b in itertools.combinations(names, 2)
        for x in factors[a]
        for y in factors[b]
    }


def cover(factors):
    """Rows (dictionaries) such that any two values of different factors meet in one."""
    left = every_pair(factors)
    candidates = [
        dict(zip(factors, values)) for values in itertools.product(*factors.values())
    ]
    rows = []
    while left:
        best = max(candidates, key=lambda row: len(pairs_of(row) & left))
        left -= pairs_of(best)
        rows.append(best)
    return rows

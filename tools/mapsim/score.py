#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make score TRACES=DIR: where does `adaptive` miss what it has to reach?

usage: tools/mapsim/score.py MAPSIM [--baseline FILE] [--all] TRACE...

A cell is a trace at a quota, each map by itself or in natural bursts. In each: hypercalls for 1,000 maps at most 1.05 x the better of
`lru --prefetch 8` and csra, and 0.5; pages mapped at most 1.5 x lru's. Over all: (hypercalls + 0.5) / (the better's + 0.5) at most 0.90
in geometric mean. On tx: hypercalls and waits at 254, 314 and 374 pages. The exit status is 1 when any bound is missed.
--baseline FILE keeps what the others reach, which does not change with adaptive; --all prints every cell.
"""

import argparse
import csv
import io
import json
import math
import pathlib
import subprocess
import sys

QUOTAS = "25%,50%,75%,100%"
MATRIX = ["--quota", QUOTAS, "--batch", "1,natural"]
TX = {254: (80, 34), 314: (57, 25), 374: (29, 13)}


def replay(mapsim, traces, *words):
    done = subprocess.run([mapsim, *words, *traces], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return list(csv.DictReader(io.StringIO(done.stdout)))


def by_trace(rows):
    """trace -> policy -> [(quota, batch, hypercalls, mapped), ...], in mapsim's order, for 1,000 maps."""
    found = {}
    for row in rows:
        each = 1000 / int(row["maps"])
        name = row["policy"] + ("+8" if row["prefetch"] == "8" else "")
        cell = (int(row["quota"]), row["batch"], int(row["hypercalls"]) * each, int(row["mapped"]) * each)
        found.setdefault(row["trace"], {}).setdefault(name, []).append(cell)
    return found


def baselines(mapsim, traces, keep):
    known = json.loads(keep.read_text(encoding="utf-8")) if keep and keep.exists() else {}
    missing = [trace for trace in traces if trace not in known]
    if missing:
        rows = replay(mapsim, missing, "--policy", "lru,csra", *MATRIX)
        rows += replay(mapsim, missing, "--policy", "lru", "--prefetch", "8", *MATRIX)
        known.update(by_trace(rows))
    if keep:
        keep.write_text(json.dumps(known), encoding="utf-8")
    return known


def judge(trace, cells, others, show_all):
    """Prints the cells that miss; how many, and each cell's ratio."""
    missed, ratios = 0, []
    for mine, lru, followers, csra in zip(cells, others["lru"], others["lru+8"], others["csra"]):
        quota, batch, calls, mapped = mine
        better = min(followers[2], csra[2])
        ratios.append((calls + 0.5) / (better + 0.5))
        too = [word for word, bad in (("CALLS", calls > 1.05 * better + 0.5), ("PAGES", mapped > 1.5 * lru[3] + 0.5)) if bad]
        missed += bool(too)
        if too or show_all:
            print(f"{pathlib.Path(trace).name.split('.')[0]:26} {quota:5} {batch:8} calls {calls:6.1f}  lru+8 {followers[2]:6.1f}  "
                  f"csra {csra[2]:6.1f}  x{(calls + 0.5) / (better + 0.5):5.2f}   pages {mapped:6.1f}  lru {lru[3]:6.1f}  "
                  f"x{(mapped + 0.5) / (lru[3] + 0.5):5.2f}  {' '.join(too)}")
    return missed, ratios


def judge_tx(mapsim, trace):
    missed = 0
    for row in replay(mapsim, [trace], "--policy", "adaptive", "--quota", ",".join(map(str, TX))):
        calls, waits = (1000 * int(row[key]) / int(row["maps"]) for key in ("hypercalls", "inv_waits"))
        bound = TX[int(row["quota"])]
        bad = calls > bound[0] or waits > bound[1]
        missed += bad
        print(f"tx at {row['quota']} pages: calls {calls:.1f} (at most {bound[0]}), waits {waits:.1f} (at most {bound[1]})"
              f"{'  MISSED' if bad else ''}")
    return missed


def mean(ratios):
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mapsim")
    parser.add_argument("--baseline", type=pathlib.Path)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("traces", nargs="+")
    args = parser.parse_args()
    others = baselines(args.mapsim, args.traces, args.baseline)
    mine = by_trace(replay(args.mapsim, args.traces, "--policy", "adaptive", *MATRIX))
    missed, ratios = 0, []
    for trace in args.traces:
        its_missed, its_ratios = judge(trace, mine[trace]["adaptive"], others[trace], args.all)
        missed += its_missed
        ratios += its_ratios
        if pathlib.Path(trace).name.split(".")[0] == "tx":
            missed += judge_tx(args.mapsim, trace)
    print(f"{len(ratios)} cells, {missed} bounds missed, geometric mean {mean(ratios):.3f}")
    return 1 if missed or mean(ratios) > 0.9 else 0


if __name__ == "__main__":
    sys.exit(main())

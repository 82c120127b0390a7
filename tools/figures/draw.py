#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make figures TRACES=DIR: the seeds' figures, from traces: hit rate, hypercalls, invalidations and waits against the quota.

usage: tools/figures/draw.py MAPSIM OUT TRACE...

One picture a measure and a way of batching, one panel a trace, as PNG and SVG; the rows behind them are in OUT/figures.csv.
"""

import csv
import io
import pathlib
import subprocess
import sys

QUOTAS = ",".join(f"{percent}%" for percent in range(0, 101, 10))
# policy, prefetch, title, gnuplot's style
CURVES = (
    ("fifo", 0, "FIFO", "lc rgb '#999999' lw 1.5 pt 1"),
    ("lru", 0, "LRU", "lc rgb '#e69f00' lw 1.5 pt 2"),
    ("sieve", 0, "SIEVE", "lc rgb '#56b4e9' lw 1.5 pt 3"),
    ("lru", 8, "LRU, 8 followers", "lc rgb '#cc79a7' lw 1.5 pt 4"),
    ("csra", 0, "cs+ra", "lc rgb '#0072b2' lw 1.5 pt 6"),
    ("adaptive", 0, "adaptive", "lc rgb '#d55e00' lw 3 pt 7"),
    ("opt", 0, "OPT", "lc rgb '#000000' lw 1.5 dt 2 pt 8"),
    ("opt-batch", 0, "optimal batching", "lc rgb '#009e73' lw 1.5 dt 2 pt 10"),
)
MEASURES = (
    # file, title, axis, value of a row, logarithmic
    ("hit-rate", "Hit rate", "hits, % of maps", lambda r: 100 * r["hits"] / r["maps"], False),
    ("hypercalls", "Hypercalls", "hypercalls per 1,000 maps", lambda r: 1000 * r["hypercalls"] / r["maps"], True),
    ("invalidations", "Invalidations", "page-selective descriptors per 1,000 maps",
     lambda r: 1000 * r["inv_descriptors"] / r["maps"], True),
    ("waits", "Waits", "invalidation waits per 1,000 maps", lambda r: 1000 * r["inv_waits"] / r["maps"], True),
)
BATCHES = (("1", "each map by itself"), ("natural", "natural bursts"))
LOG_FLOOR = 0.01  # what is below is drawn there: a logarithm has no place for none


def replay(mapsim, traces):
    rows = []
    for prefetch in sorted({curve[1] for curve in CURVES}):
        policies = [curve[0] for curve in CURVES if curve[1] == prefetch]
        command = [mapsim, "--policy", ",".join(policies), "--prefetch", str(prefetch), "--quota", QUOTAS]
        command += ["--batch", ",".join(name for name, _ in BATCHES), *traces]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            sys.exit("figures: mapsim failed, see above")
        rows += csv.DictReader(io.StringIO(done.stdout))
    numbers = ("prefetch", "quota", "maps", "hits", "hypercalls", "mapped", "evictions")
    numbers += ("inv_descriptors", "inv_waits", "resident_peak", "evict")
    return [{key: int(value) if key in numbers else value for key, value in row.items()} for row in rows]


def name_of(trace):
    return pathlib.Path(trace).name.split(".")[0]


def points(rows, trace, curve, batch, value, logarithmic):
    chosen = [row for row in rows if row["trace"] == trace and row["policy"] == curve[0]]
    chosen = [row for row in chosen if row["prefetch"] == curve[1] and row["batch"] == batch]
    for row in sorted(chosen, key=lambda row: row["quota"]):
        y = value(row)
        yield row["quota"], max(y, LOG_FLOOR) if logarithmic else y


def script(rows, traces, measure, batch, terminal, output):
    file, title, axis, value, logarithmic = measure
    columns = 2 if len(traces) > 1 else 1
    lines = [f"set terminal {terminal}", f"set output '{output}'"]
    lines += [f"set multiplot layout {-(-len(traces) // columns)},{columns} title '{title} against the quota, {batch[1]}'"]
    lines += ["set grid", f"set ylabel '{axis}'", "set xlabel 'quota, pages of 4 KiB'"]
    lines += [f"set key bottom {'right' if file == 'hit-rate' else 'left'} font ',8' opaque", "set style data linespoints"]
    lines += [f"set logscale y; set yrange [{LOG_FLOOR}:1200]" if logarithmic else "set yrange [0:101]"]
    if logarithmic:
        lines += [f"set ytics ('≤ {LOG_FLOOR}' {LOG_FLOOR}, 0.1, 1, 10, 100, 1000)"]
    for index, trace in enumerate(traces):
        lines += [f"set title '{name_of(trace)}'", "unset key" if index else ""]
        plots = [f"'-' title '{curve[2]}' {curve[3]}" for curve in CURVES]
        lines += ["plot " + ", ".join(plots)]
        for curve in CURVES:
            lines += [f"{x} {y}" for x, y in points(rows, trace, curve, batch[0], value, logarithmic)] + ["e"]
    return "\n".join(lines + ["unset multiplot", ""])


def draw(rows, traces, out):
    for measure in MEASURES:
        for batch in BATCHES:
            for terminal, suffix in (("pngcairo size 1400,1000 font 'sans,10'", "png"), ("svg size 1400,1000 font 'sans,10'", "svg")):
                output = out / f"{measure[0]}-{'unbatched' if batch[0] == '1' else batch[0]}.{suffix}"
                text = script(rows, traces, measure, batch, terminal, output)
                subprocess.run(["gnuplot"], input=text, text=True, check=True)


def main():
    mapsim, out, *traces = sys.argv[1:]
    out = pathlib.Path(out)
    if not traces:
        sys.exit("figures: no traces; give make figures TRACES=DIR, a folder with *.txt.zst, as tools/mapsim/trace.h tells")
    out.mkdir(parents=True, exist_ok=True)
    rows = replay(mapsim, traces)
    with open(out / "figures.csv", "w", encoding="ascii", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    draw(rows, traces, out)
    print(f"figures: {len(MEASURES) * len(BATCHES)} pictures in {out}")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: MIT
"""The run's result as tables a person reads."""

import statistics

import cases as grouping
import run_goals

COLUMNS = (
    # title, width, value of a case
    ("workload", -9, lambda case: case.work),
    ("config", -14, lambda case: case.config),
    ("packets", 9, lambda case: number(case.result["packets"])),
    ("maps", 9, lambda case: number(case.result["maps"])),
    ("hits %", 7, lambda case: percent(case.result["hits"], case.result["maps"])),
    ("hypercalls", 11, lambda case: number(case.result["hypercalls"])),
    ("exits", 7, lambda case: number(case.result["exits"])),
    ("evicted", 8, lambda case: number(case.result["evictions"])),
    ("invalid.", 9, lambda case: number(case.result["inv_descriptors"])),
    ("waits", 7, lambda case: number(case.result["inv_waits"])),
    ("resident/quota", 15, lambda case: resident(case.result)),
    ("touched", 8, lambda case: number(case.result["pages_touched"])),
)


def number(value):
    return f"{value:,}"


def percent(part, whole):
    """Cut, not rounded: 100.00 means that nothing missed."""
    return f"{10000 * part // whole / 100:.2f}" if whole else "-"


def resident(result):
    quota = "-" if result["quota"] is None else number(result["quota"])
    return f"{number(result['resident_peak'])}/{quota}"


def pad(text, width):
    return text.ljust(-width) if width < 0 else text.rjust(width)


def metering(cases):
    lines = [" ".join(pad(title, width) for title, width, _ in COLUMNS)]
    lines.append("-" * len(lines[0]))
    previous = None
    for case in cases:
        if previous not in (None, case.work):
            lines.append("")
        previous = case.work
        if case.result is None:
            lines.append(f"{case.work:9} {case.config:14} FAILED: {case.why()}")
            continue
        lines.append(" ".join(pad(value(case), width) for _, width, value in COLUMNS))
    return lines


def throughput(cases, tsc_hz):
    strategies = list(dict.fromkeys(case.strategy for case in cases))
    title = f"{'workload':9} {'config':14} {'Mbit/s':>20} {'of none':>20} {'of direct':>20}"
    lines = [title, "-" * len(title)]
    for work in dict.fromkeys(case.work for case in cases):
        for strategy in strategies:
            measured = run_goals.select_measured(cases, work, strategy)
            if not measured:
                lines.append(f"{work:9} {strategy:14} FAILED")
                continue
            speeds = [8e-6 * run_goals.rate(case) * tsc_hz for case in measured]
            cells = [f"{statistics.median(speeds):.0f} ({min(speeds):.0f}..{max(speeds):.0f})"]
            for base in ("none", "direct"):
                cells.append(run_goals.ratio_text(cases, work, strategy, base) or "-")
            lines.append(f"{work:9} {strategy:14} " + " ".join(f"{cell:>20}" for cell in cells))
    return lines


def loopback(cases):
    title = f"{'workload':9} {'config':14} {'frames':>9} {'instructions a frame':>21} {'of direct':>10}"
    lines = [title, "-" * len(title)]
    direct = run_goals.instructions(cases, "direct")
    for case in cases:
        count = run_goals.instructions([case], case.strategy)
        if count is None or direct is None:
            lines.append(f"{case.work:9} {case.config:14} FAILED: {case.why()}")
            continue
        lines.append(
            f"{case.work:9} {case.config:14} {case.result['packets']:9,} {count:21.1f} {count / direct:10.4f}"
        )
    return lines


def verdicts(goals):
    return [
        f"{'held    ' if goal.held else 'NOT HELD'}  {goal.name}\n          {goal.text}"
        for goal in goals
    ]


def tsc_hz(boot):
    """From the boot record; 1 GHz when there is none, and then nothing else is right either."""
    first = next((record for record in boot.records if record["sluice"] == "boot"), {})
    return first.get("tsc_hz", 10**9)


def show(title, lines):
    print(f"\n{title}\n")
    for line in lines:
        print("  " + line if line else "")


def print_all(show_boot, rounds_boot, rounds, loopback_boot, goals):
    show(
        "What the NIC could reach, and what that cost (measured windows; pages of 4 KiB)",
        metering(grouping.group(show_boot.records)),
    )
    show(
        "Throughput: median (lowest..highest) over interleaved rounds",
        throughput(rounds, tsc_hz(rounds_boot)),
    )
    show(
        "Loopback with a clock that counts instructions",
        loopback(grouping.group(loopback_boot.records)),
    )
    show("What a run must reach", verdicts(goals))

#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The cost model: cycles a packet = counted events x prices (docs/costs.md).

usage: model.py [--calibrate FILE] FILE...      FILEs: a console's log, or records, one a line; CSV on stdout

What is counted keeps its name. What is modelled begins with model_: low, mid and high by the table below, cal by the calibrate
record of FILE. A price that is not known, of an event that happened, leaves its column empty.
"""

import argparse
import csv
import dataclasses
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import cases  # noqa: E402
import records  # noqa: E402

LEVELS = ("low", "mid", "high")


@dataclasses.dataclass(frozen=True)
class Price:
    """Cycles for one."""

    low: float
    mid: float
    high: float
    source: str
    found: bool  # published for hardware; else a parameter, swept


# Where only a sum was published, mid adds up to it.
PRICES = {
    "exit": Price(761, 1430, 3963, "exit and entry: Agesen et al., ATC'12, Westmere and Prescott; mid: KVM null hypercall 1,300-1,560", True),
    "nested_fault": Price(200, 600, 2000, "beyond the exit: not found", False),
    "interrupt": Price(200, 1000, 3000, "beyond the exit: not found", False),
    "map_call": Price(509, 1526, 3815, "beyond the exit: our 1,526 instructions at 3, 1 and 0.4 a cycle", False),
    "evict": Price(325, 976, 2440, "beyond the invalidation: our 976 instructions at 3, 1 and 0.4 a cycle", False),
    "inv_wait": Price(500, 1000, 2000, "alone: not found; with inv_page 2,127, rIOMMU, ASPLOS'15, half and double", False),
    "inv_page": Price(564, 1127, 2254, "without the wait: not found; with it 2,127, rIOMMU, ASPLOS'15, half and double", False),
    "inv_domain": Price(564, 1127, 4508, "not found; as inv_page, high doubled", False),
    "inv_context": Price(564, 1127, 4508, "not found; as inv_domain", False),
}


def counts(case):
    """How often each happened in the last window; None when its guest did not get so far."""
    result, end = case.result, case.end
    if not result or not end or "exits_by_reason" not in end:
        return None
    found = {
        "exit": result["exits"],
        "nested_fault": end["exits_by_reason"].get("nested_fault", 0),
        "interrupt": end["interrupts"],
        "map_call": end["dma_calls"],
        "evict": result["evictions"],
        "inv_wait": result["inv_waits"],
        **{kind: end[kind] for kind in ("inv_page", "inv_domain", "inv_context")},
    }
    if sum(found[kind] for kind in ("inv_page", "inv_domain", "inv_context")) != result["inv_descriptors"]:
        raise ValueError(f"{case.work} {case.config}: descriptors by kind are not those of the result: two windows?")
    return found


def table(level):
    """The table's prices at low, mid or high."""
    return {event: getattr(price, level) for event, price in PRICES.items()}


def calibrated(record):
    """Prices from a calibrate record, by the median; None: not measured. Ticks of the TSC for cycles."""
    median = {key: value["median"] for key, value in record.items() if isinstance(value, dict)}

    def less(key, *others):
        """What key takes beyond the others."""
        if not all(name in median for name in (key, *others)):
            return None
        return max(0, median[key] - sum(median[name] for name in others))

    evict = less("miss_evict", "miss")
    if evict is not None:
        # With other flushes a call evicts nothing or many.
        invalidation = less("inv_page", "clock")
        strict = record["flush"] == "strict" and invalidation is not None
        evict = max(0, evict - invalidation) if strict else None
    return {
        "exit": less("hypercall", "clock"),
        "nested_fault": less("nested_fault", "hypercall"),
        "interrupt": less("interrupt_exit", "hypercall"),
        "map_call": less("miss", "hypercall"),
        "evict": evict,
        "inv_wait": less("inv_wait", "clock"),
        "inv_page": less("inv_page", "inv_wait"),
        "inv_domain": less("inv_domain", "inv_wait"),
        "inv_context": less("inv_global", "inv_wait"),
    }


def cycles(events, prices):
    """Of all events together; None when one of them has no price."""
    happened = {event: count for event, count in events.items() if count}
    if any(prices[event] is None for event in happened):
        return None
    return sum(count * prices[event] for event, count in happened.items())


def columns(case, calibration=None):
    """model_low, model_mid, model_high and model_cal: cycles a packet. None without packets, counts or prices."""
    events, packets = counts(case), case.result["packets"] if case.result else 0
    tables = {level: table(level) for level in LEVELS}
    tables["cal"] = calibrated(calibration) if calibration else None
    total = {
        name: cycles(events, prices) if prices and events and packets else None for name, prices in tables.items()
    }
    return {f"model_{name}": None if value is None else value / packets for name, value in total.items()}


CONFIG = ("case", "round", "workload", "args", "strategy", "policy", "flush", "calls", "iova", "quota", "backend", "irq", "guest")


def rows(ran, calibration=None):
    """One for each case that has a window: its configuration, events a packet as counted, and the model's columns."""
    for case in ran:
        events = counts(case)
        if events is None:
            continue
        packets = case.result["packets"]
        known = {**case.asked, **case.result}
        per_packet = {f"{event}_per_packet": count / packets if packets else None for event, count in events.items()}
        yield {**{key: known.get(key) for key in CONFIG}, "packets": packets, **per_packet, **columns(case, calibration)}


def explain(record):
    """What a miss that evicts is made of, as measured: the model must not forget a large part."""
    price = calibrated(record)
    if price["evict"] is None:
        return "a miss that evicts: not measured, or not with flush=strict"
    parts = {
        "exit": price["exit"],
        "invalidation": price["inv_wait"] + price["inv_page"],
        "our own code": price["map_call"] + price["evict"],
    }
    text = ", ".join(f"{name} {value}" for name, value in parts.items())
    return f"a miss that evicts: {record['miss_evict']['median']} ticks: {text}"


def read(path):
    with open(path, encoding="utf-8", errors="replace") as lines:
        return [record for record in map(records.parse, lines) if record]


def calibration_in(path):
    found = [record for record in read(path) if record["sluice"] == "calibrate"]
    if len(found) != 1:
        sys.exit(f"model: {path} has {len(found)} calibrate records; one boot with work=calibrate makes one")
    return found[0]


def main():
    parser = argparse.ArgumentParser(description="cycles a packet = counted events x prices; CSV on stdout")
    parser.add_argument("--calibrate", metavar="FILE", help="prices of the calibrate record in there, as model_cal")
    parser.add_argument("files", metavar="FILE", nargs="+", help="console logs, or records, one a line")
    asked = parser.parse_args()
    calibration = calibration_in(asked.calibrate) if asked.calibrate else None
    found = [row for path in asked.files for row in rows(cases.group(read(path)), calibration)]
    if not found:
        sys.exit("model: no case there has a measured window")
    out = csv.DictWriter(sys.stdout, found[0].keys(), lineterminator="\n")
    out.writeheader()
    out.writerows(found)
    if calibration:
        print(explain(calibration), file=sys.stderr)


if __name__ == "__main__":
    main()

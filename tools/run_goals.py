# SPDX-License-Identifier: MIT
"""What a run must reach, judged from its own counters. Each goal gives a verdict with the numbers it rests on."""

import dataclasses
import statistics

import cases as grouping
import launch

ZERO = ("exits", "hypercalls", "inv_descriptors", "inv_waits")
BULK = ("tcp_rx", "tcp_tx")  # the workloads that must move at least PACKETS
PACKETS = 10000
THROUGHPUT_FLOOR = 0.85
INSTRUCTION_CEILING = 1.02
RESIDENT_CEILING = 1.05


@dataclasses.dataclass
class Verdict:
    name: str
    held: bool
    text: str


def completed(name, boot, expected):
    """Every case of the boot ran, ended well, and no record was lost or damaged."""
    wrong = [case.why() for case in grouping.group(boot.records) if not case.held]
    closing = grouping.closing(boot.records)
    count = len(grouping.group(boot.records))
    if boot.status != launch.STATUS_OK:
        wrong.append(f"exit status {boot.status_text()}")
    if closing is None:
        wrong.append("no end record")
    elif closing["failed"]:
        wrong.append(f"{closing['failed']} cases failed")
    if count != expected:
        wrong.append(f"{count} of {expected} cases ran")
    wrong += boot.bad_records[:3]
    text = "; ".join(wrong) or f"{count} cases, {boot.seconds:.0f} s"
    return Verdict(f"{name}: every case held", not wrong, text)


def no_exits(show, full):
    """Once warm, a guest whose pages all fit does its DMA without the hypervisor."""
    wrong, packets = [], 0
    judged = grouping.select(show, strategy="direct") + grouping.select(show, quota=full)
    for case in filter(lambda case: case.result, judged):
        result = case.result
        packets += result["packets"]
        wrong += [f"{case.work} {case.config}: {result[key]} {key}" for key in ZERO if result[key]]
        if result["maps"] < result["packets"]:
            wrong.append(f"{case.work} {case.config}: fewer maps than packets")
        if case.work in BULK and result["packets"] < PACKETS:
            wrong.append(f"{case.work} {case.config}: only {result['packets']} packets")
        if result["quota"] is not None and result["quota"] < result["pages_touched"]:
            wrong.append(f"{case.work} {case.config}: the quota is below the working set")
    if not judged or packets == 0:
        wrong.append("no case to judge")
    text = some(wrong) or f"0 exits, 0 hypercalls, 0 invalidations in {packets:,} packets"
    return Verdict("quota >= working set, and direct: no exits", not wrong, text)


def quota_kept(show, small):
    """With half of what is above the floor: still all traffic, through eviction, and never above the quota."""
    wrong, evictions, judged = [], 0, []
    for case in grouping.select(show, quota=small):
        result = case.result
        if result is None:
            wrong.append(case.why())
            continue
        if result["resident_peak"] > result["quota"]:
            wrong.append(
                f"{case.work}: {result['resident_peak']} pages resident, quota {result['quota']}"
            )
        if working_set(show, case.work) < 3 * case.floor:
            continue  # too small a working set to say anything about eviction
        judged.append(case.work)
        evictions += result["evictions"]
        if result["evictions"] == 0:
            wrong.append(f"{case.work}: no evictions")
    for work in BULK:
        if work not in judged:
            wrong.append(f"{work}: its working set is below 3 x its floor")
    text = some(wrong) or f"{evictions:,} evictions in {', '.join(judged)}; resident <= quota"
    return Verdict(f"quota={small}: complete, within quota", not wrong, text)


def working_set(show, work):
    """W: pages touched where nothing was evicted."""
    full = [
        case.result["pages_touched"]
        for case in grouping.select(show, work=work, strategy="on-demand")
        if case.result and case.result["evictions"] == 0
    ]
    return max(full, default=0)


def no_faults(boots):
    judged = [case for boot in boots for case in grouping.group(boot.records)]
    wrong = [
        f"{case.work} {case.config}: {case.result['faults']} faults"
        for case in judged
        if case.result and case.result["faults"]
    ]
    wrong += [
        f"{case.end['faults_total']} faults by the end of {case.work}"
        for case in judged[-1:]
        if case.end and case.end["faults_total"] and not wrong
    ]
    return Verdict("no DMA fault", not wrong, some(wrong) or f"none in {len(judged)} cases")


def resident(show, full):
    """The point of it all: what a device can reach is what it uses, where direct lets it reach everything."""
    wrong, lines = [], []
    for case in grouping.select(show, quota=full):
        direct = grouping.select(show, work=case.work, strategy="direct")
        if not (case.result and direct and direct[0].result):
            wrong.append(f"{case.work}: not measured")
            continue
        touched, peak = case.result["pages_touched"], case.result["resident_peak"]
        pinned = direct[0].result["resident_peak"]
        if peak > RESIDENT_CEILING * touched:
            wrong.append(f"{case.work}: {peak} resident for {touched} touched")
        if pinned < case.asked["memory_pages"]:
            wrong.append(f"{case.work}: direct has {pinned} pages resident, not all")
        lines.append(f"{case.work} {peak} of {pinned}")
    text = some(wrong) or "; ".join(lines)
    name = f"resident pages <= {RESIDENT_CEILING} x touched, direct pins all"
    return Verdict(name, not wrong and bool(lines), text)


def rate(case):
    return case.result["bytes"] / case.result["tsc"]


def ratios(rounds, work, strategy, base):
    """Throughput over the base's of the same round, a ratio a round."""
    ours, theirs = rates(rounds, work, strategy), rates(rounds, work, base)
    return [ours[n] / theirs[n] for n in sorted(ours.keys() & theirs.keys())]


def rates(rounds, work, strategy):
    return {case.asked["round"]: rate(case) for case in select_measured(rounds, work, strategy)}


def ratio_of_medians(rounds, work, strategy, base):
    """What is judged: one slow moment of a busy machine falls on one round of one strategy, not on both medians."""
    ours, theirs = rates(rounds, work, strategy), rates(rounds, work, base)
    return statistics.median(ours.values()) / statistics.median(theirs.values())


def select_measured(cases, work, strategy):
    chosen = grouping.select(cases, work=work, strategy=strategy)
    return [case for case in chosen if case.result and case.result["tsc"] and case.result["bytes"]]


def ratio_text(rounds, work, strategy, base):
    """The medians' ratio, with the lowest and highest of a round; "" where there is none."""
    values = ratios(rounds, work, strategy, base)
    if not values or base == strategy:
        return ""
    ratio = ratio_of_medians(rounds, work, strategy, base)
    return f"{ratio:.2f} ({min(values):.2f}..{max(values):.2f})"


def throughput(rounds, works, expected_rounds):
    """Against direct each workload is judged: both translate every DMA, so that what differs is the metering. Against
    none, which does not translate, their mean is: it includes what the emulated unit costs direct as well."""
    wrong, lines = [], []
    for work in works:
        for base in ("none", "direct"):
            count = len(ratios(rounds, work, "on-demand", base))
            if count != expected_rounds:
                wrong.append(f"{work}: {count} of {expected_rounds} rounds against {base}")
    name = f"throughput of on-demand: medians' ratio >= {THROUGHPUT_FLOOR} of direct, of none in the mean"
    if wrong:
        return Verdict(name, False, some(wrong))
    for work in works:
        text = f"{work} {ratio_text(rounds, work, 'on-demand', 'direct')} of direct"
        none = ratio_text(rounds, work, "on-demand", "none")
        lines.append(f"{text}, {none} of none, where direct has {ratio_text(rounds, work, 'direct', 'none')}")
        if ratio_of_medians(rounds, work, "on-demand", "direct") < THROUGHPUT_FLOOR:
            wrong.append(text)
    mean = statistics.geometric_mean(ratio_of_medians(rounds, work, "on-demand", "none") for work in works)
    lines.append(f"mean {mean:.2f} of none")
    if mean < THROUGHPUT_FLOOR:
        wrong.append(lines[-1])
    return Verdict(name, not wrong, some(wrong) or "; ".join(lines))


def instructions(cases, strategy):
    """Instructions a frame: under -icount shift=0 the TSC counts them."""
    chosen = [case for case in grouping.select(cases, strategy=strategy) if case.result]
    if not chosen or not chosen[0].result["packets"]:
        return None
    return chosen[0].result["tsc"] / chosen[0].result["packets"]


def loopback(boot):
    cases = grouping.group(boot.records)
    direct, on_demand = instructions(cases, "direct"), instructions(cases, "on-demand")
    name = f"loopback: instructions a frame <= {INSTRUCTION_CEILING} x direct's"
    if not direct or not on_demand:
        return Verdict(name, False, "not measured")
    ratio = on_demand / direct
    text = f"{on_demand:.1f} against {direct:.1f}: {ratio:.4f}"
    return Verdict(name, ratio <= INSTRUCTION_CEILING, text)


def identical(first, second):
    name = "loopback: two runs byte-identical"
    if first.log == second.log and first.records:
        return Verdict(name, True, f"{len(first.log):,} bytes of console output")
    pairs = zip(first.log.splitlines(), second.log.splitlines())
    different = next((f"`{a}` / `{b}`" for a, b in pairs if a != b), "one is longer")
    return Verdict(name, False, different[:200])


def some(texts, most=4):
    more = len(texts) - most
    return "; ".join(texts[:most]) + (f"; and {more} more" if more > 0 else "")

# SPDX-License-Identifier: MIT
"""make run's verdicts on a run of its own, and that they notice what they are there for."""

import copy
import types

import pytest

import cases
import expect
import run_goals

FULL, SMALL = "50%", "w50%"


@pytest.fixture(scope="module")
def verdicts():
    """The goals that judge the show, by a short name."""
    return {
        "exits": lambda show: run_goals.no_exits(show, FULL),
        "quota": lambda show: run_goals.quota_kept(show, SMALL),
        "resident": lambda show: run_goals.resident(show, FULL),
    }


def test_goals(boot, verdicts):
    words = ["work=tcp_rx,tcp_tx", "strategy=direct,on-demand", f"quota={FULL},{SMALL}"]
    result = boot(words)
    show = expect.held(result, 6)
    expect.no_faults(result)
    for verdict in verdicts.values():
        outcome = verdict(show)
        assert outcome.held, outcome.text
    assert run_goals.completed("x", result, 6).held
    assert run_goals.no_faults([result]).held
    notices(show, verdicts)
    assert not run_goals.completed("x", result, 7).held
    cases.closing(result.records)["failed"] = 1
    assert not run_goals.completed("x", result, 6).held


def notices(show, verdicts):
    """One changed number each, and the verdict that must fall."""
    for name, config, key, value in (
        ("exits", ("tcp_rx", "direct", None), "exits", 1),
        ("exits", ("tcp_tx", "on-demand", FULL), "hypercalls", 1),
        ("exits", ("tcp_tx", "on-demand", FULL), "inv_waits", 1),
        ("exits", ("tcp_rx", "on-demand", FULL), "packets", 9999),
        ("exits", ("tcp_rx", "on-demand", FULL), "maps", 10000),
        ("exits", ("tcp_rx", "on-demand", FULL), "quota", 100),
        ("quota", ("tcp_tx", "on-demand", SMALL), "evictions", 0),
        ("quota", ("tcp_tx", "on-demand", SMALL), "resident_peak", 100000),
        ("resident", ("tcp_tx", "on-demand", FULL), "resident_peak", 3000),
        ("resident", ("tcp_tx", "direct", None), "resident_peak", 3000),
    ):
        changed = copy.deepcopy(show)
        work, strategy, quota = config
        [case] = cases.select(changed, work=work, strategy=strategy, quota=quota)
        case.result[key] = value
        assert not verdicts[name](changed).held, (name, key)


def test_no_faults_notices():
    records = [{"sluice": "case", "workload": "echo", "strategy": "direct", "quota": None, "irq": "poll"}]
    records += [{"sluice": "result", "faults": 0}, {"sluice": "case_end", "faults_total": 0}]
    boot = types.SimpleNamespace(records=records)
    assert run_goals.no_faults([boot]).held
    for record, key in ((records[1], "faults"), (records[2], "faults_total")):
        record[key] = 1
        assert not run_goals.no_faults([boot]).held, key
        record[key] = 0


def round_cases(share, rounds, direct=1):
    """none at one speed in every round, on-demand at a share of it, and direct."""
    speed = {"none": 1, "direct": direct, "on-demand": share}
    return [
        cases.Case(
            {"workload": work, "strategy": strategy, "quota": None, "irq": "poll", "round": number},
            [{"bytes": 10**6 * speed[strategy], "tsc": 10**6}],
        )
        for number in range(rounds)
        for work in run_goals.BULK
        for strategy in speed
    ]


def test_throughput_notices():
    def held(share, rounds, direct=1):
        return run_goals.throughput(round_cases(share, rounds, direct), run_goals.BULK, 5).held

    assert held(0.86, 5)
    assert not held(0.84, 5)
    assert not held(0.86, 4)
    assert held(0.86, 5, direct=0.9)
    assert not held(0.84, 5, direct=0.9), "of none"


def loopback_boot(on_demand):
    """Instructions for 1,000 frames; direct takes 100,000."""
    records = []
    for strategy, tsc in (("direct", 100000), ("on-demand", on_demand)):
        case = {"sluice": "case", "workload": "loopback", "strategy": strategy, "quota": None, "irq": "poll"}
        records.append(case)
        records.append({"sluice": "result", "packets": 1000, "tsc": tsc})
    return types.SimpleNamespace(records=records, log=f"loopback\n{on_demand}\n")


def test_loopback_notices():
    assert run_goals.loopback(loopback_boot(102000)).held
    assert not run_goals.loopback(loopback_boot(102100)).held
    assert run_goals.identical(loopback_boot(1), loopback_boot(1)).held
    assert not run_goals.identical(loopback_boot(1), loopback_boot(2)).held

# SPDX-License-Identifier: MIT
"""make run's verdicts on a run of its own, and that they notice what they are there for."""

import copy

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
    result.records[-1]["failed"] = 1
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

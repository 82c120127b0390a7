# SPDX-License-Identifier: MIT
"""Plans: what they make of a boot, from the image and from a module, resumed, and past failures."""

import re

import pytest

import cases
import expect
import launch
import records
import serial_line

ALONE = {"peer": False, "network": "none"}
PLAN = """# two lines that say something
work=idle strategy=direct guest=ms=20

work=loopback strategy=on-demand,shared policy=fifo,lru hits=table,exit quota=none,w50% flush=strict,batch
"""
PLAN_CASES = 1 + 12 + 2  # on-demand: lru with hits=exit only
WORDS = ["bench=my.plan", "guest=frames=100"]


@pytest.fixture
def planned(boot, build, tmp_path):
    def run(text, words, **settings):
        plan = tmp_path / "my.plan"
        plan.write_text(text)
        return boot(words, modules=[build / "guest.elf", plan], **{**ALONE, **settings})

    return run


def plan_record(result):
    return next(record for record in result.records if record["sluice"] == "plan")


@pytest.mark.parametrize("firmware", ("kernel", "bios"))
def test_a_module(planned, firmware):
    result = planned(PLAN, WORDS, firmware=firmware)
    ran = expect.held(result, PLAN_CASES)
    record = plan_record(result)
    assert (record["name"], record["cases"]) == ("my.plan", PLAN_CASES)
    assert [case.asked["case"] for case in ran] == list(range(1, PLAN_CASES + 1))
    assert {case.asked["of"] for case in ran} == {PLAN_CASES}
    assert [case.asked["line"] for case in ran] == [2] + [4] * (PLAN_CASES - 1)
    for case in ran:
        assert case.result["case"] == case.end["case"] == case.asked["case"]
        if case.strategy == "on-demand":
            for key in ("policy", "flush", "hits_by"):
                assert case.result[key] == case.asked[key]
    assert not [case for case in ran if case.asked["policy"] == "lru" and case.asked["hits_by"] == "table"]


def test_resume(planned):
    """A later case is the same one, and what it stands on is measured first."""
    whole = expect.held(planned(PLAN, WORDS), PLAN_CASES)
    last = next(case.asked["case"] for case in reversed(whole) if case.quota == "w50%")
    result = planned(PLAN, [*WORDS, f"resume={last}"])
    ran = expect.held(result)
    numbers = [case.asked["case"] for case in ran]
    assert numbers == [2, *range(last, PLAN_CASES + 1)]
    same = ("workload", "strategy", "policy", "flush", "hits_by", "quota", "seed", "line")
    for case in ran:
        before = whole[case.asked["case"] - 1]
        assert [case.asked[key] for key in same] == [before.asked[key] for key in same]
        assert case.result["quota"] == before.result["quota"]
    expect.line_with(result, "case 2 runs first", "working set of loopback")


def test_a_failing_case_is_reported_and_the_rest_goes_on(planned):
    text = "work=idle,crash_fault,crash_spin,idle strategy=direct guest=ms=20 deadline=500\n"
    text += "work=idle strategy=direct guest=ms=60000 limit=2\nwork=idle quota=1M guest=ms=20\n"
    result = planned(text, WORDS)
    ran = expect.failed(result)
    assert [case.end["end"] for case in ran] == ["exit", "crash", "deadline", "exit", "deadline", "exit"]
    assert cases.closing(result.records)["failed"] == 3
    expect.line_with(result, "case 3 of 6 (crash_spin direct)", "heartbeat stood still", "deadline=")
    expect.line_with(result, "case 5 of 6 (idle direct)", "within 2 s", "limit=")


@pytest.mark.parametrize(
    "text,words,says",
    [
        ("work=idle\nstratgy=direct\n", WORDS, ("plan my.plan, line 2", "did you mean strategy")),
        ("strategy=none\n", WORDS, ("line 1", "add unsafe-dma")),
        ("# nothing\n", WORDS, ("not one case",)),
        ("work=idle\n", ["bench=other.plan"], ("bench=other.plan: no plan of that name", "quick paper full", "my.plan")),
        ("work=idle\n", [*WORDS, "resume=2"], ("resume=2: there are 1 cases",)),
        ("work=idle\n", ["work=idle"], ("2 boot modules", "bench=NAME")),
        ("work=idle rounds=2\n", WORDS, ("line 1", "rounds: not in a plan")),
    ],
)
def test_refusals(planned, text, words, says):
    expect.refused(planned(text, words), *says)


def test_our_own_plans_are_there(boot):
    expect.refused(boot(["bench=full"], **ALONE), "plan full, line 4", "unsafe-dma")
    result = boot(["bench=paper", "unsafe-dma", "unsafe-native", "resume=100000"], **ALONE)
    expect.refused(result, "resume=100000: there are ")


def test_without_msi_its_cases_are_left_out(planned):
    text = "work=idle strategy=direct irq=poll,msi guest=ms=20\n"
    result = planned(text, WORDS, nic="e1000")
    assert [case.irq for case in expect.held(result, 1)] == ["poll"]
    assert plan_record(result)["skipped"] == 1


def test_the_status_line_spoils_no_record(build):
    words = ["exit=qemu", "work=idle", "strategy=direct", "irq=poll,msi", "rounds=2", "guest=ms=1500"]
    machine = launch.Machine(words=words, build=build, deadline=60, **ALONE)
    line = serial_line.Line(machine)
    try:
        assert line.end() == launch.STATUS_OK
    finally:
        line.close()
    raw = line.said.decode()
    assert "case 1 of 4, 0:00 gone: idle direct poll" in raw
    assert re.search(r"case 4 of 4, \d+:\d\d gone, about \d+:\d\d left: idle direct msi", raw)
    rows = [records.clean(row) for row in raw.split("\n")]
    assert not [row for row in rows if "gone" in row]  # the next line took its place
    found = [record for row in rows if (record := records.parse(row))]
    assert [record["seq"] for record in found] == list(range(1, len(found) + 1))


def test_no_status_line_where_none_is_wanted(boot):
    result = boot(["work=idle", "rounds=2", "guest=ms=20", "progress=off"], **ALONE)
    expect.held(result, 2)

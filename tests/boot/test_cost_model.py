# SPDX-License-Identifier: MIT
"""The cost model: each price and each unit by hand, what must not be mixed or guessed, and the whole against a measurement."""

import csv
import io
import subprocess
import sys

import pytest

from building import ROOT

import cases
import records

sys.path.insert(0, str(ROOT / "tools/bench"))
import model  # noqa: E402

EVENTS = ("exit", "nested_fault", "interrupt", "map_call", "evict", "inv_wait", "inv_page", "inv_domain", "inv_context")


def case(packets=100, reasons=None, **given):
    """One window with these events."""
    events = {**dict.fromkeys(EVENTS, 0), **given}
    kinds = {key: events[key] for key in ("inv_page", "inv_domain", "inv_context")}
    result = {
        "sluice": "result", "workload": "loopback", "packets": packets, "exits": events["exit"], "evictions": events["evict"],
        "inv_waits": events["inv_wait"], "inv_descriptors": sum(kinds.values()), "tsc": 1,
    }
    end = {"sluice": "case_end", "end": "exit", "status": 0, "dma_calls": events["map_call"],
           "interrupts": events["interrupt"], "exits_by_reason": reasons or {}, **kinds}
    asked = {"sluice": "case", "round": 1, "workload": "loopback", "strategy": "on-demand", "quota": "50%", "irq": "poll"}
    return cases.Case(asked, [result], end=end)


def spread(median):
    return {"times": 512, "min": median // 2, "median": median, "p99": 100 * median}


CALIBRATION = {
    "sluice": "calibrate", "flush": "strict", "tsc_hz": 10**9, "clock": spread(20), "hypercall": spread(1320),
    "nested_fault": spread(2020), "miss": spread(3320), "miss_evict": spread(7000), "register_write": spread(120),
    "interrupt": spread(9000), "interrupt_exit": spread(2320), "inv_wait": spread(520), "inv_page": spread(2140),
    "inv_domain": spread(2520), "inv_global": spread(3520), "interrupts": 512, "interrupt_exits": 512,
}
BY_HAND = {
    "exit": 1300, "nested_fault": 700, "interrupt": 1000, "map_call": 2000, "evict": 7000 - 3320 - 2120, "inv_wait": 500,
    "inv_page": 1620, "inv_domain": 2000, "inv_context": 3000,
}


# ---- the table -----------------------------------------------------------------------------------


def test_prices_are_the_published_ones():
    exits = model.PRICES["exit"]
    assert (exits.low, exits.high) == (761, 3963)  # Westmere, Prescott
    assert 1300 <= exits.mid <= 1560  # KVM
    pair = [model.table(level)["inv_wait"] + model.table(level)["inv_page"] for level in model.LEVELS]
    assert pair == [1064, 2127, 4254]
    assert [event for event, price in model.PRICES.items() if price.found] == ["exit"]


def test_what_was_not_found_says_so():
    assert set(model.PRICES) == set(EVENTS)
    for price in model.PRICES.values():
        assert 0 < price.low < price.mid < price.high
        assert price.found or "not found" in price.source or "our" in price.source


def test_the_page_has_the_same_table():
    rows = {}
    for line in (ROOT / "docs/costs.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 6 and cells[0].strip("`") in EVENTS and cells[2][0].isdigit():
            rows[cells[0].strip("`")] = [float(cell.replace(",", "")) for cell in cells[2:5]]
    assert rows == {event: [price.low, price.mid, price.high] for event, price in model.PRICES.items()}


# ---- sums ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_costs_its_price(event):
    """Three in a hundred packets, and nothing else."""
    reasons = {"nested_fault": 3} if event == "nested_fault" else {}
    found = model.columns(case(reasons=reasons, **{event: 3}), CALIBRATION)
    price = model.PRICES[event]
    # An invalidation comes with no wait of its own here: each is counted.
    assert found == {
        "model_low": pytest.approx(0.03 * price.low), "model_mid": pytest.approx(0.03 * price.mid),
        "model_high": pytest.approx(0.03 * price.high), "model_cal": pytest.approx(0.03 * BY_HAND[event]),
    }


def test_a_strict_eviction():
    """A miss that evicts, once a packet: what was measured as a whole comes out as a whole, less the clock."""
    events = {event: 100 for event in ("exit", "map_call", "evict", "inv_wait", "inv_page")}
    assert model.columns(case(**events), CALIBRATION)["model_cal"] == 7000 - 20


def test_nothing_counted_costs_nothing():
    assert model.columns(case(), CALIBRATION) == dict.fromkeys(("model_low", "model_mid", "model_high", "model_cal"), 0)


# ---- what is not known stays empty ---------------------------------------------------------------


def test_a_missing_price_is_no_zero():
    """As from a machine without VT-d and MSI."""
    poor = {**CALIBRATION, **dict.fromkeys(("inv_wait", "inv_page", "inv_domain", "inv_global", "interrupt_exit"))}
    assert model.columns(case(exit=100), poor)["model_cal"] == 1300
    for event in ("inv_wait", "inv_page", "inv_domain", "inv_context", "interrupt", "evict"):
        found = model.columns(case(exit=100, **{event: 1}), poor)
        assert found["model_cal"] is None
        assert found["model_mid"] > 1430


def test_an_eviction_has_a_price_with_strict_alone():
    assert model.calibrated({**CALIBRATION, "flush": "batch"})["evict"] is None


def test_no_packets_and_no_window():
    empty = dict.fromkeys(("model_low", "model_mid", "model_high", "model_cal"))
    assert model.columns(case(packets=0, exit=5), CALIBRATION) == empty
    broken = case(exit=5)
    broken.end = None
    assert model.columns(broken, CALIBRATION) == empty
    assert not list(model.rows([broken]))


def test_counts_that_contradict_each_other():
    wrong = case(inv_page=3)
    wrong.result["inv_descriptors"] = 4
    with pytest.raises(ValueError, match="descriptors by kind"):
        model.columns(wrong)


def test_without_a_calibration_the_column_is_empty():
    assert model.columns(case(exit=100)) == {"model_low": 761, "model_mid": 1430, "model_high": 3963, "model_cal": None}


# ---- as a program --------------------------------------------------------------------------------


def write(path, *fields):
    path.write_text("".join(records.seal(one) + "\n" for one in fields), encoding="ascii")
    return str(path)


def run(*words):
    return subprocess.run([sys.executable, ROOT / "tools/bench/model.py", *words], capture_output=True, text=True, check=False)


def test_csv(tmp_path):
    one = case(exit=100)
    log = write(tmp_path / "log", one.asked, one.result, one.end)
    prices = write(tmp_path / "prices", CALIBRATION)
    done = run("--calibrate", prices, log)
    (row,) = csv.DictReader(io.StringIO(done.stdout))
    assert (row["workload"], row["exit_per_packet"], row["model_mid"], row["model_cal"]) == ("loopback", "1.0", "1430.0", "1300.0")
    assert {key for key in row if key.startswith("model_")} == {"model_low", "model_mid", "model_high", "model_cal"}
    assert "a miss that evicts: 7000 ticks: exit 1300, invalidation 2120, our own code 3560" in done.stderr
    assert "has 0 calibrate records" in run("--calibrate", log, log).stderr
    assert "no case there" in run(prices).stderr


# ---- the whole -----------------------------------------------------------------------------------


def test_against_a_measurement(boot):
    """Where the clock counts instructions, what on-demand takes more than direct is what the model says, by this machine's own
    prices."""
    words = ["work=calibrate,loopback", "strategy=direct,on-demand", "quota=w30%", "wset=2800", "policy=fifo", "flush=strict"]
    result = boot([*words, "guest=frames=1000"], icount=True, peer=False, network="none", deadline=400)
    ran = cases.group(result.records)
    assert [one.why() for one in ran if not one.held] == []
    calibration = cases.select(ran, work="calibrate", strategy="on-demand")[0].calibration
    direct, on_demand = cases.select(ran, work="loopback")
    base, more = (one.result["tsc"] / one.result["packets"] for one in (direct, on_demand))
    assert model.columns(on_demand, calibration)["model_cal"] == pytest.approx(more - base, rel=0.15)
    assert model.columns(direct, calibration)["model_cal"] == 0

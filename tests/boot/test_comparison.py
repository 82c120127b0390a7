# SPDX-License-Identifier: MIT
"""make bench's own parts, on records made up here: what a failed case does to its end, verdicts that can fail, pictures."""

import pathlib
import sys
import types
import xml.dom.minidom

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "bench"))
import claims  # noqa: E402
import main as comparison  # noqa: E402
import page  # noqa: E402
import pictures  # noqa: E402
import rows  # noqa: E402

RESULT = {"packets": 1000, "bytes": 1500000, "maps": 1000, "hits": 1000, "misses": 0, "hypercalls": 0, "exits": 0, "exits_host": 0, "evictions": 0,
          "inv_descriptors": 0, "inv_waits": 0, "resident_peak": 400, "pages_touched": 400, "faults": 0, "tsc": 1000000, "busy_tsc": 500000}
ASKED = {"round": 1, "line": 1, "args": "", "flush": None, "policy": None, "prefetch": None, "hits_by": None, "calls": None, "iova": None,
         "quota": None, "irq": "poll", "guest": "vm"}
END = {"end": "exit", "status": 0, "dma_calls": 0, "interrupts": 0, "inv_page": 0, "inv_domain": 0, "inv_context": 0, "exits_by_reason": {}}


class Boot(types.SimpleNamespace):
    def status_text(self):
        return "33 (every case held)"


def boot(cases, log="same"):
    """Records of one boot; a case is (workload, strategy, what it was asked, its result's differences, its end's)."""
    found = [{"sluice": "boot", "tsc_hz": 10**9}, {"sluice": "plan", "cases": len(cases)}]
    for number, (work, strategy, asked, result, end) in enumerate(cases, 1):
        common = {"workload": work, "strategy": strategy}
        counted = {"policy": "none", "flush": asked.get("flush") or "none", "calls": asked.get("calls") or "none", "iova": asked.get("iova") or "identity",
                   "irq": "poll", "guest": "vm", "hits_by": "table", "quota": None, "backend": "svm"}
        found.append({"sluice": "case", "case": number, "of": len(cases), **ASKED, **common, **asked})
        found.append({"sluice": "result", **common, **counted, **RESULT, **result})
        found.append({"sluice": "case_end", "workload": work, **END, **end})
    return Boot(records=found, bad_records=[], log=log, status=33, seconds=1.0)


def use(flush, calls, ticks, **counts):
    end = {"inv_page": counts.get("inv_descriptors", 0)}
    return ("loopback", "single-use", {"flush": flush, "calls": calls, "iova": "magazine"}, {"tsc": ticks, **counts}, end)


def papers(**changed):
    """Rows that show every claim; changed: differences of one, by the name of its strategy or flush."""
    cases = [
        ("loopback", "none", {}, {"resident_peak": 16384, **changed.get("none", {})}, {}),
        ("loopback", "direct", {}, {"resident_peak": 16384, **changed.get("direct", {})}, {}),
        ("loopback", "persistent", {}, changed.get("persistent", {}), {}),
        ("loopback", "on-demand", {"quota": "none", "policy": "adaptive", "hits_by": "table", "flush": "batch"},
         {"policy": "adaptive", **changed.get("on_demand", {})}, {}),
        use("strict", "single", 9000000, exits=2000, inv_waits=1000, inv_descriptors=1000),
        use("strict", "piggyback", 5000000, exits=1000, inv_waits=1000, inv_descriptors=1000),
        use("strict", "batch", 3000000, exits=40, inv_waits=1000, inv_descriptors=1000),
        use("deferred", "batch", 2000000, exits=40, inv_waits=changed.get("deferred_waits", 4)),
        use("percpu", "batch", 2000000, exits=40, inv_waits=4),
    ]
    return cases


def judged(**changed):
    return claims.of_rows([], rows.of_boot("exact", boot(papers(**changed)).records))


def test_the_claims_are_shown():
    assert [claim.shown for claim in judged()] == [True] * 6


@pytest.mark.parametrize(
    "changed,which",
    [
        ({"none": {"tsc": 8000000}}, 0),
        ({"direct": {"exits": 1}}, 1),
        ({"on_demand": {"tsc": 1100000}}, 2),
        ({"on_demand": {"resident_peak": 500}}, 5),
        ({"deferred_waits": 400}, 4),
    ],
)
def test_a_claim_can_fail(changed, which):
    assert not judged(**changed)[which].shown
    assert sum(claim.shown for claim in judged(**changed)) >= 3


def test_without_rows_nothing_is_shown():
    assert {claim.shown for claim in claims.of_rows([], [])} == {None}


def test_failures():
    good = boot(papers())
    assert comparison.failures({"traffic": good, "exact": good, "exact-again": good}) == []
    crashed = boot([("echo", "direct", {}, {}, {"end": "crash"})])
    found = comparison.failures({"traffic": crashed, "exact": good, "exact-again": boot(papers(), log="another")})
    assert any("echo direct: crash" in text for text in found) and any("differ" in text for text in found)
    short = boot(papers())
    short.records = short.records[:-3]
    assert any("8 of 9 cases ran" in text for text in comparison.failures({"traffic": short, "exact": good, "exact-again": good}))


def test_pictures_and_page(tmp_path):
    exact = rows.of_boot("exact", boot(papers()).records)
    drawn = pictures.draw_all([], exact, tmp_path)
    assert {name for name, _, _ in drawn} >= {"events", "modelled", "calls", "bare"}
    for name, _, _ in drawn:
        assert (tmp_path / f"{name}.png").stat().st_size > 5000
        xml.dom.minidom.parse(str(tmp_path / f"{name}.svg"))
    text = page.page("quick", {"cpu": "<none>"}, [], exact, judged(), drawn)
    assert "&lt;none&gt;" in text and text.count("<img ") == len(drawn) and "NOT shown" not in text

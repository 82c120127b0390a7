# SPDX-License-Identifier: MIT
"""Maps and unmaps without a network: the counts that each pattern must have, and the same ones again."""

import pytest

import cases
import expect

ALONE = {"icount": True, "peer": False, "network": "none", "deadline": 180}
WORKS = ("map_ring", "map_pool", "map_scatter")
PAGES, MAPS = 1200, 30000
COUNTING = 300000  # instructions: the guest counts the pages it touched before it ends the window


def run(boot, *words, guest="", **settings):
    arguments = f"guest=pages={PAGES},maps={MAPS}{guest and ',' + guest}"
    return boot([*words, arguments], **{**ALONE, **settings})


def test_counts_and_repeats(boot):
    words = [f"work={','.join(WORKS)}", "strategy=direct,on-demand", "quota=50%,w50%"]
    first, second = run(boot, *words), run(boot, *words)
    assert first.log == second.log
    ran = expect.held(first, 9)
    expect.no_faults(first)
    for case in ran:
        check(case)


def check(case):
    result = case.result
    assert (result["packets"], result["maps"], result["bytes"]) == (MAPS, MAPS, 0)
    assert result["figures"] == {"pages": PAGES, "depth": 192, "burst": 32}
    assert case.end["floor"] == 192
    assert 0 <= result["tsc"] - result["busy_tsc"] < COUNTING
    if case.quota == "w50%":
        assert result["resident_peak"] <= result["quota"] < result["pages_touched"]
        assert result["evictions"] > 0
        assert result["hits"] > 0
        assert result["hypercalls"] <= result["misses"]
    else:
        assert [result[key] for key in ("misses", "exits", "inv_waits")] == [0, 0, 0]
    # A tenth of what goes anywhere leaves some pages out.
    assert result["pages_touched"] <= PAGES
    assert result["pages_touched"] == PAGES or case.work == "map_scatter"


def test_a_ring_has_no_hits_where_order_is_kept(boot):
    """First in, first out gives up each page just before it is wanted again."""
    words = ["work=map_ring", "quota=50%,w50%", "policy=fifo", "flush=strict"]
    [_, tight] = expect.held(run(boot, *words), 2)
    assert tight.result["hits"] == 0


def test_a_stack_of_buffers_stays_small(boot):
    [case] = expect.held(run(boot, "work=map_pool", guest="order=lifo"), 1)
    assert case.result["pages_touched"] < PAGES / 2


def test_hot_pages_stay(boot):
    words = ["work=map_scatter", "quota=50%,w50%"]
    [_, warm] = expect.held(run(boot, *words), 2)
    [_, even] = expect.held(run(boot, *words, guest="hot=0"), 2)
    assert warm.result["misses"] < even.result["misses"] / 2


def test_single_maps(boot):
    words = ["work=map_ring", "quota=50%,w50%"]
    [_, tight] = expect.held(run(boot, *words, guest="burst=1,depth=1"), 2)
    assert tight.result["hypercalls"] == tight.result["misses"] > 0


@pytest.mark.parametrize(
    "work, argument, reason",
    (
        ("map_ring", "burst=65", "map_ring: burst=65: 1 to 64"),
        ("map_ring", "burst=0", "map_ring: burst=0: 1 to 64"),
        ("map_ring", "depth=5000", "map_ring: depth=5000: 1 to 4096"),
        ("map_ring", "burst=8,depth=4", "burst=8: no more than depth=4"),
        ("map_pool", "depth=2000", "depth=2000: pages=1200 are fewer"),
        ("map_pool", "order=best", "order=best: known: fifo lifo"),
        ("map_scatter", "hot=101", "map_scatter: hot=101: of 100"),
        ("map_scatter", "maps=many", "maps=many is not a number"),
    ),
)
def test_what_does_not_fit_is_said(boot, work, argument, reason):
    # Of two equal keys the first counts.
    result = boot([f"work={work},idle", f"guest={argument},pages={PAGES},ms=20"], **ALONE)
    [failed, idle] = expect.failed(result)
    assert (failed.end["end"], failed.end["status"]) == ("exit", 1)
    expect.line_with(result, reason)
    assert (idle.end["end"], idle.end["status"]) == ("exit", 0)


def test_more_pages_than_there_are(boot):
    result = boot(["work=map_ring", "guest=pages=100000"], **ALONE)
    expect.failed(result)
    expect.line_with(result, "out of memory", "mem=")
    assert cases.group(result.records)[0].result is None

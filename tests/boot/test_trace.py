# SPDX-License-Identifier: MIT
"""The guest's record of its DMA maps: the same for every strategy, whole, and what mapsim replays."""

import collections
import csv
import io
import subprocess

import pytest

import expect
import trace_log
from test_mapsim import mapsim  # noqa: F401

WORDS = ["work=loopback", "guest=frames=3000"]


def traces(boot, trace, strategies, *words):
    result = boot([*WORDS, f"trace={trace},dump", f"strategy={','.join(strategies)}", *words], peer=False, network="none", icount=True)
    ran = expect.held(result, len(strategies))
    found = list(trace_log.of_records(result.records))
    assert [trace.case["strategy"] for trace in found] == strategies
    return ran, found


def renamed(trace):
    """Its events without their times, pages by the order of their first map: what else a guest keeps moves its heap."""
    names = {}
    return [(op, names.setdefault(page, len(names)), pages, direction) for _, op, page, pages, direction in trace_log.events(trace.data)]


def test_each_strategy_is_asked_for_the_same(boot, mapsim, tmp_path):  # noqa: F811
    ran, found = traces(boot, "1M", ["direct", "on-demand", "shared", "single-use"], "quota=w50%", "wset=900")
    asked = [renamed(trace) for trace in found]
    assert asked[0] == asked[1] == asked[2] == asked[3]
    live = collections.Counter()
    for op, page, pages, direction in asked[0]:
        assert pages == 1 and direction in ("?" if op == "U" else "RTB")
        live[page] += 1 if op == "M" else -1
        assert live[page] >= 0
    assert len(live) == ran[0].result["pages_touched"]
    maps = sum(op == "M" for op, *_ in asked[0])
    assert maps > ran[0].result["maps"]

    path = tmp_path / "loopback.slt"
    path.write_bytes(found[0].data)
    done = subprocess.run(
        [mapsim, "--policy", "fifo,adaptive", "--quota", "100%", "--warmup", "0", str(path)], capture_output=True, text=True, check=True
    )
    fifo, _ = csv.DictReader(io.StringIO(done.stdout))
    assert (int(fifo["maps"]), int(fifo["hypercalls"])) == (maps, len(live))


def test_a_small_ring_keeps_the_end(boot):
    _, (whole,) = traces(boot, "1M", ["direct"])
    _, (end,) = traces(boot, "1K", ["direct"])
    long, short = ([event[1:] for event in trace_log.events(trace.data)] for trace in (whole, end))
    lower = long[-1][1] - short[-1][1]  # by what the larger ring takes
    assert [(op, page + lower, *more) for op, page, *more in short[-1024:]] == long[-1024:]
    live = collections.Counter()
    for op, page, *_ in long[:-1024]:
        live[page] += 1 if op == "M" else -1
    assert collections.Counter(page + lower for _, page, *_ in short[:-1024]) == +live


@pytest.mark.parametrize("words,says", [(["trace=5"], "1K to 64M"), (["trace=64K,print"], "dump"), (["trace=8M,dump"], "mem=")])
def test_refusals(boot, words, says):
    result = boot([*WORDS, *words], peer=False, network="none")
    expect.line_with(result, words[0].split(",")[0] if says != "mem=" else "trace=", says)
    assert not result.lines('"sluice":"result"')


def test_the_peer_keeps_what_the_console_prints(boot, tmp_path):
    words = ["work=tcp_tx,http", "trace=512K,dump", "guest=trace=peer,bytes=12M,requests=2500"]
    result = boot(words, traces=tmp_path)
    expect.held(result, 2)
    printed = list(trace_log.of_records(result.records))
    kept = [tmp_path / f"{name}-01.slt" for name in ("tcp_tx", "http")]
    assert [path.read_bytes() for path in kept] == [trace.data for trace in printed]
    assert sum(1 for _ in trace_log.events(printed[0].data)) > 10000


@pytest.mark.parametrize("words,says", [(["work=ping"], "give the hypervisor trace=EVENTS"), (["work=loopback", "trace=64K"], "has no network")])
def test_no_trace_for_the_peer(boot, words, says):
    result = boot([*words, "guest=trace=peer,frames=1000"])
    expect.line_with(result, "trace=peer", says)
    expect.failed(result)

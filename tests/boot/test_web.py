# SPDX-License-Identifier: MIT
"""The guest's web server under ab and wrk, with every page compared and bad requests refused; requests on many
connections."""

import pytest

import expect

PATIENT = {"deadline": 180}  # several cases, and a machine that does other things as well

LATENCIES = ("p50_us", "p90_us", "p99_us", "p999_us", "max_us")
FILE = "file=12M"


def test_pieces_of_a_file(boot):
    """Pages from anywhere: more than a tight quota holds, and no byte goes astray."""
    works = "http:path=/file:range=8K"
    result = boot([f"work={works}", "strategy=direct,on-demand", "quota=50%,w50%", f"guest=load=3,{FILE}"], **PATIENT)
    ran = expect.held(result, 3)
    expect.no_faults(result)
    for case in ran:
        figures = case.result["figures"]
        assert figures["range"] == 8192
        assert case.result["bytes"] == figures["requests"] * 8192 > 0
        check_latencies(figures)
    direct, full, tight = (case.result for case in ran)
    assert direct["misses"] == 0
    # A page of the file is first mapped when it is first asked for, by several pieces of a burst at once.
    assert full["misses"] > 0 and full["evictions"] == 0
    assert tight["evictions"] > 0 and tight["resident_peak"] <= tight["quota"]


def check_latencies(figures):
    values = [figures[key] for key in LATENCIES]
    assert values == sorted(values)
    assert values[0] > 0


def check_settled(result):
    """Nobody leaves. A page that nothing before had used, the heap's for one more connection, may yet be mapped: once."""
    assert result["evictions"] == 0
    assert result["exits"] == result["hypercalls"] <= 4


def test_whole_pages(boot):
    works = ["http:requests=2500", "http:path=/64k:by=wrk", "http:by=wrk:concurrency=32"]
    ran = expect.held(boot([f"work={','.join(works)}", "quota=50%", f"guest=load=2,{FILE}"], **PATIENT), 3)
    sizes = [4096, 65536, 4096]
    for case, size in zip(ran, sizes):
        assert case.result["bytes"] == case.result["figures"]["requests"] * size > 0
        check_settled(case.result)
    assert [case.result["figures"]["connections"] for case in ran] == [8, 8, 32]


def test_requests_on_many_connections(boot):
    works = "tcp_rr:concurrency=1,tcp_rr,tcp_rr:concurrency=200"
    ran = expect.held(boot([f"work={works}", "quota=50%", "guest=load=4"], **PATIENT), 3)
    assert [case.result["figures"]["connections"] for case in ran] == [1, 64, 200]
    for case in ran:
        figures = case.result["figures"]
        check_latencies(figures)
        assert case.result["bytes"] == figures["requests"] > 0
        assert case.result["packets"] >= 2 * figures["requests"]
        check_settled(case.result)


@pytest.mark.parametrize(
    "work, reason",
    (
        ("http:path=/file:range=13M", "range=13631488: 1 to the 12582912 bytes"),
        ("http:path=/file:range=0", "range=0: 1 to"),
        ("http:path=/file:by=ab", "by=ab: it can't ask for random pieces"),
        ("http:by=curl", "by=curl: known: ab wrk"),
        ("http:path=/file:file=5", "file=5: a multiple of 4, up to 1G"),
        ("http:concurrency=257", "concurrency=257: 1 to 256"),
        ("tcp_rr:concurrency=0", "concurrency=0: 1 to 256"),
        ("tcp_rr:load=0", "load=0: 1 to 3600 seconds"),
        ("tcp_rr:load=3000", "give the peer more"),
    ),
)
def test_what_does_not_fit_is_said(boot, work, reason):
    # Of two equal keys the first counts.
    result = boot([f"work={work},idle", f"guest={FILE},ms=20"])
    failed, idle = expect.failed(result)
    assert (failed.end["end"], failed.end["status"]) == ("exit", 1)
    expect.line_with(result, reason)
    assert (idle.end["end"], idle.end["status"]) == ("exit", 0)

# SPDX-License-Identifier: MIT
"""The guest's memcached under memcaslap, and its answers to real clients and to bytes that no client sends."""

import pytest

import expect

PATIENT = {"deadline": 180}  # several cases, and a machine that does other things as well


def test_load_and_answers(boot):
    words = ["work=memcached", "strategy=direct,on-demand", "quota=50%,w50%", "guest=load=3,store=8M"]
    ran = expect.held(boot(words, **PATIENT), 3)
    for case in ran:
        result = case.result
        assert result["figures"]["requests"] > 20
        assert result["figures"]["connections"] == 8
        assert result["figures"]["items"] > 0
        assert result["bytes"] > 200 * result["figures"]["requests"]
        assert result["faults"] == 0
    direct, _, tight = (case.result for case in ran)
    assert direct["misses"] == direct["exits"] == 0
    assert tight["evictions"] > 0 and tight["resident_peak"] <= tight["quota"]


def test_a_store_too_small_for_its_load(boot):
    """Items make room for others while they are being sent; what is asked for in vain is a miss, and never wrong."""
    result = boot(["work=memcached:store=2M:concurrency=32", "guest=load=4"], **PATIENT)
    expect.held(result, 1)
    expect.line_with(result, "memcaslap gets=", "held")


@pytest.mark.parametrize(
    "arguments, reason",
    (
        ("store=1K", "store=1024: 2M to 1G"),
        ("load=0", "load=0: 1 to 3600 seconds"),
        ("concurrency=100", "concurrency=100: 1 to 56"),
        ("store=1000M", "out of memory"),
    ),
)
def test_what_does_not_fit_is_said(boot, arguments, reason):
    result = boot([f"work=memcached:{arguments},idle", "guest=ms=20"])
    failed, idle = expect.failed(result)
    assert (failed.end["end"], failed.end["status"]) == ("exit", 1)
    expect.line_with(result, reason)
    assert idle.end["end"] == "exit" and idle.end["status"] == 0

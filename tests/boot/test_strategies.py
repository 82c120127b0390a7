# SPDX-License-Identifier: MIT
"""Every strategy under every flush and every kind of calls: the traffic is right, and the counts are what was asked for."""

import pytest

import expect

FLUSHES = ("strict", "deferred", "percpu", "batch")
CALLS = ("single", "piggyback", "batch")
ALLOCATORS = ("identity", "rbtree", "eiovar", "magazine", "sizeclass")
WORKS = ("loopback", "check_rx", "check_tx", "tcp_rx")
DEADLINE = 240  # s; two exits a page are dear on a busy machine
SMALL = "guest=bytes=10M,frames=3000"


def rows():
    """Each flush with each kind of calls; the allocators take turns."""
    pairs = [(flush, calls) for flush in FLUSHES for calls in CALLS]
    return [(*pair, ALLOCATORS[i % len(ALLOCATORS)]) for i, pair in enumerate(pairs)]


@pytest.mark.parametrize("flush,calls,iova", rows())
def test_traffic(boot, flush, calls, iova):
    # calls= means nothing to on-demand: once a flush is enough.
    strategies = ["shared", "single-use"] + (["on-demand"] if calls == "batch" else [])
    words = [f"work={','.join(WORKS)}", f"strategy={','.join(strategies)}", "quota=2M"]
    words += [f"flush={flush}", f"calls={calls}", f"iova={iova}", SMALL]
    result = boot(words, deadline=DEADLINE)
    ran = expect.held(result, len(strategies) * len(WORKS))
    expect.no_faults(result)
    for case in ran:
        assert case.result["flush"] == flush
        if case.strategy == "on-demand":
            check_on_demand(case.result)
        else:
            check_window(case, flush, calls, iova)


POLICIES = ("fifo", "lru", "clock", "sieve", "s3fifo", "arc", "csra", "adaptive")


@pytest.mark.parametrize("policy,flush", [(policy, FLUSHES[i % 4]) for i, policy in enumerate(POLICIES)] + [("adaptive", "deferred")])
def test_policies(boot, policy, flush):
    """Each policy under a quota that hurts, every byte compared."""
    words = ["work=loopback,check_rx,check_tx", "strategy=on-demand", "quota=50%,w50%", SMALL]
    words += [f"policy={policy}", f"flush={flush}"]
    words += ["hits=exit"] if policy == "lru" else []
    words += ["prefetch=4"] if policy in ("fifo", "clock", "lru") else []
    result = boot(words, deadline=DEADLINE)
    for case in expect.held(result, 6):
        assert case.result["policy"] == policy
        check_on_demand(case.result)
        assert (case.result["evictions"] > 0) == (case.result["quota"] < case.result["pages_touched"])
    expect.no_faults(result)


def check_on_demand(result):
    assert result["calls"] == "none"
    assert result["resident_peak"] <= result["quota"]


def check_window(case, flush, calls, iova):
    result = case.result
    assert (result["calls"], result["iova"], result["quota"]) == (calls, iova, None)
    assert result["hits"] == 0
    maps, hypercalls = result["maps"], result["hypercalls"]
    # Up to a ring's posted buffers are mapped before the window and unmapped in it, or the other way round.
    slack = 260
    if calls == "single":
        assert abs(hypercalls - 2 * maps) <= slack
    elif calls == "piggyback":
        assert maps - slack <= hypercalls <= 1.1 * maps + slack
    else:
        assert hypercalls <= 0.75 * maps
    waits = result["inv_waits"]
    if flush in ("deferred", "percpu") and case.work == "loopback":
        assert 0 < waits <= maps / 20
    if flush == "strict" and calls == "single" and case.strategy == "single-use" and iova != "identity":
        assert abs(waits - maps) <= slack


@pytest.mark.parametrize("strategy", ["passthrough", "persistent"])
def test_others(boot, strategy):
    unsafe = ["unsafe-dma"] if strategy == "passthrough" else []
    result = boot([f"work={','.join(WORKS)}", f"strategy={strategy}", SMALL, *unsafe])
    for case in expect.held(result, len(WORKS)):
        zero = ("exits", "evictions", "inv_descriptors", "inv_waits")
        if case.work == "loopback":  # whose warm-up used every page
            assert [case.result[key] for key in zero] == [0] * len(zero)
        full = case.result["resident_peak"] == case.asked["memory_pages"]
        assert full == (strategy == "passthrough")
    expect.no_faults(result)


@pytest.mark.parametrize("strategy", ["single-use", "shared"])
def test_dma_after_the_unmap_faults(boot, strategy):
    words = ["work=probe_unmap", f"strategy={strategy}", "flush=strict", "calls=single"]
    result = boot(words, peer=False, network="none")
    expect.held_guests(result)
    expect.probe_faults(result, "probe_unmap", {expect.NO_READ})


def test_hits_exit(boot):
    """The set-up of the paper: the hypervisor sees each map, and knows the hits."""
    words = ["work=loopback", "strategy=on-demand", "quota=50%", "hits=exit", SMALL]
    (case,) = expect.held(boot(words, peer=False, network="none"), 1)
    result = case.result
    assert result["hits_by"] == "exit"
    assert result["hits"] == result["maps"] and result["misses"] == 0
    assert result["hypercalls"] > result["maps"] / 64
    assert result["evictions"] == 0


@pytest.mark.parametrize(
    "words,says",
    [
        (["strategy=passthrough"], "add unsafe-dma"),
        (["iova=rbtree"], "add shared or single-use to strategy="),
        (["calls=single", "strategy=direct"], "add shared or single-use to strategy="),
        (["hits=exit", "strategy=single-use"], "add on-demand to strategy="),
        (["strategy=single-use", "iova=tree"], "known: "),
        (["flush=lazy"], "known: strict deferred percpu batch"),
    ],
)
def test_refusals(boot, words, says):
    expect.refused(boot(words, peer=False, network="none"), says)

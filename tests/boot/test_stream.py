# SPDX-License-Identifier: MIT
"""Streams in messages of each size, a workload's own arguments, and the CPU share."""

import expect

PATIENT = {"deadline": 180}  # several cases, and a machine that does other things as well

SIZES = (64, 1460, 65536)
BYTES = 16 << 20


def test_message_sizes(boot):
    works = [f"{work}:msg={size}" for work in ("check_rx", "check_tx") for size in SIZES]
    works += ["tcp_rx:msg=64", "tcp_tx:msg=100", "tcp_tx"]
    ran = expect.held(boot([f"work={','.join(works)}", "quota=50%", f"guest=bytes={BYTES}"], **PATIENT), len(works))
    assert [case.work + (case.args and ":" + case.args) for case in ran] == works
    sizes = [case.result["figures"]["msg"] for case in ran]
    assert sizes == [*SIZES, *SIZES, 64, 100, 65536]
    for case in ran:
        assert 0 < case.result["busy_tsc"] <= case.result["tsc"]
        # The guest fills its segments, whatever the messages are.
        assert case.work.endswith("rx") or case.result["bytes"] / case.result["packets"] > 500


def test_own_arguments_come_first(boot):
    """Of two equal keys the workload's own counts, and leaves guest= to the others."""
    result = boot(["work=tcp_tx:msg=64:bytes=12M,tcp_tx", "quota=50%", f"guest=bytes={BYTES},msg=1000"])
    first, second = expect.held(result, 2)
    assert (first.result["figures"]["msg"], second.result["figures"]["msg"]) == (64, 1000)
    assert first.result["bytes"] < 12 << 20 < second.result["bytes"] + (8 << 20)
    assert (first.args, second.args) == ("msg=64:bytes=12M", "")


def test_sizes_that_are_none(boot):
    result = boot(["work=tcp_rx:msg=0,tcp_tx:msg=65537"])
    ran = expect.failed(result)
    assert [case.end["status"] for case in ran] == [1, 1]
    expect.line_with(result, "tcp_rx: msg=0: 1 to 65536 bytes")
    expect.line_with(result, "tcp_tx: msg=65537: 1 to 65536 bytes")


def test_share_of_a_guest_that_waits(boot):
    """One small packet at a time leaves it idle in between; a stream never does."""
    waiting, sending = expect.held(boot(["work=ping,tcp_tx", "quota=50%", f"guest=bytes={BYTES}"], **PATIENT), 2)
    assert 0 < share(waiting) < share(sending)
    assert share(sending) > 0.7


def share(case):
    return case.result["busy_tsc"] / case.result["tsc"]


def test_a_loopback_leaves_out_what_others_send(boot, flood):
    """The network still knows the guest before, and sends on to its address."""
    result = boot(["work=ping,loopback", "quota=50%", "guest=count=10,frames=100000"], **flood.settings("ping: 10 answers"))
    ran = expect.held(result, 2)
    assert ran[1].result["packets"] > 200000

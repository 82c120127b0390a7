# SPDX-License-Identifier: MIT
"""A VT-d unit that stops answering: the NIC stops, nothing is reused, nobody else gets the hardware."""

import expect


def test_a_unit_that_stops_answering(boot, broken_build):
    build = broken_build("wait", "dma_hw_wait", "break_wait.c")
    result = boot(["work=loopback,idle", "quota=1200K", "strategy=on-demand"], build=build, peer=False)
    ran = expect.failed(result)
    assert [case.end["end"] for case in ran] == ["hardware"]
    expect.line_with(result, "error", "did not complete an invalidation in time")
    expect.line_with(result, "error", "no further guest is run")
    expect.no_faults(result)

# SPDX-License-Identifier: MIT
"""Under a clock that counts instructions, a boot without an outside peer is the same byte for byte."""

import expect

INSTRUCTIONS = 1.02  # of on-demand a frame, over direct's


def test_loopback_is_exact(boot):
    words = ["work=loopback", "strategy=direct,on-demand", "quota=50%"]
    settings = {"icount": True, "peer": False, "network": "none"}
    first, second = boot(words, **settings), boot(words, **settings)
    direct, on_demand = expect.held(first, 2)
    assert first.log == second.log
    per_frame = [case.result["tsc"] / case.result["packets"] for case in (direct, on_demand)]
    assert per_frame[1] <= INSTRUCTIONS * per_frame[0]
    for case in (direct, on_demand):
        zero = ("exits", "hypercalls", "inv_descriptors", "inv_waits", "faults")
        assert [case.result[key] for key in zero] == [0] * len(zero)

# SPDX-License-Identifier: MIT
"""guest=native in Bochs: a processor that checks more than QEMU's, and one without virtualization."""

import pytest

import expect
from test_vmx import CASES, STEADY, UNSAFE

NATIVE = [UNSAFE, "guest=native", "unsafe-native"]


@pytest.mark.parametrize("model", ("tigerlake", "core2_penryn_t9600"))
def test_traffic(boot, model):
    """The second has no EPT."""
    result = boot([*NATIVE, "work=ping,check_tx", *CASES, "guest=bytes=12M"], model=model, deadline=300)
    for case in expect.held(result, 6):
        assert (case.result["backend"], case.result["exits"]) == ("native", 0)
        if case.quota == "w50%":
            assert case.result["evictions"] > 0
        else:
            assert {key: case.result[key] for key in STEADY} == dict.fromkeys(STEADY, 0)


def test_crashes(boot):
    """PG cannot be cleared in 64-bit mode. Without EPT nobody has turned VMX on, which ring 0 could turn off."""
    works = ["crash_control", "crash_virt", "crash_vmx", "crash_spin", "idle"]
    result = boot([*NATIVE, f"work={','.join(works)}", "deadline=500", "guest=ms=20"], peer=False, model="core2_penryn_t9600")
    ran = expect.failed(result)
    assert [case.end["end"] for case in ran] == ["crash"] * 3 + ["deadline", "exit"]
    expect.line_with(result, "error vm: guest:", "general protection")

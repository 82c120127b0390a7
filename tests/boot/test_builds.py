# SPDX-License-Identifier: MIT
"""Other builds of the same source: both compilers, without a warning, and with freed frames filled with junk."""

import pytest

import building
import expect


@pytest.mark.parametrize("compiler", ("gcc", "clang"))
def test_debug_build(boot, build, compiler):
    folder = build / f"debug-{compiler}"
    name = building.relative(folder)
    building.make(f"BUILD={name}", f"CC={compiler}", "DEBUG=1", f"{name}/sluice.elf32", f"{name}/guest.elf")
    result = boot(
        ["work=loopback", "strategy=none,direct,on-demand", "quota=50%,w50%", "unsafe-dma"],
        build=folder, modules=[folder / "guest.elf"], peer=False,
    )
    for case in expect.held(result, 4):
        assert case.result["packets"] >= 10000
    expect.no_faults(result)

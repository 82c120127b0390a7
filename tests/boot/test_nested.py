# SPDX-License-Identifier: MIT
"""A page taken from a guest that runs on another CPU: gone when nested_unmap returns; and flushes that are left out."""

import re

import pytest

import expect
import launch

REPLACED = ("cases_run", "nested_shoot", "smp_kick", "nested_enter", "nested_flushed")
# seed= of break_nested.c
HELD = {
    "one-unmap": (0, r"the guest left: nested_fault at 0x5000, 1 kicks"),
    "storm": (1, r"2000 rounds held, (\d+) kicks"),
    "both-ways": (2, r"4000 rounds held, (\d+) kicks"),
}
PANICS = {
    "no-kick": (4, ("CPU 1 stays in the guest of nested table", "1000 ms after its interrupt")),
    "stale-entry": (5, ("CPU 0 enters the guest", "without a flush: flushed at generation 1, the table is at 2")),
    "anothers-entry": (6, ("CPU 0 enters the guest", "without a flush: flushed at generation 1, the table is at 2")),
}


@pytest.fixture
def run(boot, broken_build):
    build = broken_build("nested", REPLACED, "break_nested.c", "DEBUG=1")
    return lambda seed: boot([f"seed={seed}"], build=build, cpus=2, peer=False, deadline=240)


@pytest.mark.parametrize("deed", HELD)
def test_the_page_is_gone(run, deed):
    seed, words = HELD[deed]
    result = run(seed)
    assert result.status == launch.STATUS_OK, result.status_text()
    found = re.search(words, result.log)
    assert found
    # Each unmap of the storm meets a guest that is inside; both ways, a good part of them.
    for kicks in found.groups():
        assert int(kicks) > 100


def test_without_shootdown_it_is_not(run):
    expect.line_with(run(3), "error test", "the guest still reads the page that was taken from it")


@pytest.mark.parametrize("deed", PANICS)
def test_panic(run, deed):
    seed, words = PANICS[deed]
    result = run(seed)
    assert result.status == launch.STATUS_PANIC, result.status_text()
    expect.line_with(result, "error panic:", *words)
